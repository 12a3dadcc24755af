/* Catalog's commands: what they decide, given what has happened. */
#include "command-svc/catalog/product.h"
#include "tests/support/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

extern const struct command list_product, revise_product, change_price, adjust_stock, reserve_stock,
    commit_reservation, release_reservation, delist_product;

static int begin(void **unused)
{
    (void)unused;
    scenario_begin(&product_aggregate);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    scenario_end();
    return 0;
}

static void a_listed_product(int64_t stock)
{
    GIVEN(product_listed, .seller_id = TEXT("anna"), .title = TEXT("Latte"), .price = 4500);
    if (stock > 0)
        GIVEN(stock_adjusted, .delta = stock, .reason = TEXT("listed"));
}

static void a_reservation(const char *id, int64_t quantity)
{
    GIVEN(stock_reserved, .reservation_id = text_of(id), .quantity = quantity, .unit_price = 4500);
}

static const struct product *product(void)
{
    return scenario_root();
}

static void listing_with_stock_is_two_events_in_one_commit(void **unused)
{
    (void)unused;
    WHEN(list_product, "{\"title\":\"Latte\",\"price\":4500,\"stock\":3}");
    assert_true(text_is(THEN(0, 2, product_listed)->seller_id, "anna"));
    assert_int_equal(THEN(1, 2, stock_adjusted)->delta, 3);
    assert_int_equal(product_available(product()), 3);
}

static void listing_without_stock_is_one_event(void **unused)
{
    (void)unused;
    WHEN(list_product, "{\"title\":\"Latte\",\"price\":4500,\"stock\":0}");
    assert_int_equal(THEN(0, 1, product_listed)->price, 4500);
}

static void a_product_made_to_order_has_no_stock(void **unused)
{
    (void)unused;
    WHEN(list_product, "{\"title\":\"Latte\",\"price\":1,\"stock\":3,\"made_to_order\":true}");
    THEN_REFUSED(stock_not_kept);
}

static void a_title_has_1_to_64_characters(void **unused)
{
    (void)unused;
    WHEN(list_product, "{\"title\":\"\",\"price\":1,\"stock\":0}");
    scenario_then_invalid("title", "too_short");
    WHEN(list_product,
         "{\"title\":\"시장시장시장시장시장시장시장시장시장시장시장시장시장시장시장시장"
         "시장시장시장시장시장시장시장시장시장시장시장시장시장시장시장시장\","
         "\"price\":1,\"stock\":0}");
    THEN(0, 1, product_listed);
    WHEN(list_product,
         "{\"title\":\"시장시장시장시장시장시장시장시장시장시장시장시장시장시장시장시장"
         "시장시장시장시장시장시장시장시장시장시장시장시장시장시장시장시장!\","
         "\"price\":1,\"stock\":0}");
    scenario_then_invalid("title", "too_long");
}

static void a_price_is_at_least_one_won(void **unused)
{
    (void)unused;
    WHEN(list_product, "{\"title\":\"Latte\",\"price\":0,\"stock\":0}");
    scenario_then_invalid("price", "too_small");
    a_listed_product(1);
    WHEN(change_price, "{\"price\":0}");
    scenario_then_invalid("price", "too_small");
}

static void a_revision_keeps_what_it_does_not_name(void **unused)
{
    (void)unused;
    a_listed_product(0);
    WHEN(revise_product, "{\"title\":\"Flat white\"}");
    assert_true(text_is(THEN(0, 1, product_revised)->title, "Flat white"));
    assert_null(THEN(0, 1, product_revised)->description.bytes);
}

static void a_revision_of_nothing_changes_nothing(void **unused)
{
    (void)unused;
    a_listed_product(0);
    WHEN(revise_product, "{}");
    scenario_then_nothing();
}

static void the_same_price_changes_nothing(void **unused)
{
    (void)unused;
    a_listed_product(0);
    WHEN(change_price, "{\"price\":4500}");
    scenario_then_nothing();
}

static void the_only_unit_keeps_its_price_while_it_is_reserved(void **unused)
{
    (void)unused;
    a_listed_product(1);
    a_reservation("line-1", 1);
    WHEN(change_price, "{\"price\":9000}");
    THEN_REFUSED(price_frozen);
    WHEN_AT(release_reservation, "line-1");
    WHEN(change_price, "{\"price\":9000}");
    assert_int_equal(THEN(0, 1, price_changed)->previous_price, 4500);
}

static void reserved_units_cannot_be_written_off(void **unused)
{
    (void)unused;
    a_listed_product(5);
    a_reservation("line-1", 3);
    WHEN(adjust_stock, "{\"delta\":-3,\"reason\":\"broken\"}");
    THEN_REFUSED(stock_short);
    WHEN(adjust_stock, "{\"delta\":-2,\"reason\":\"broken\"}");
    assert_int_equal(THEN(0, 1, stock_adjusted)->delta, -2);
}

static void nobody_reserves_more_than_is_left(void **unused)
{
    (void)unused;
    a_listed_product(2);
    a_reservation("line-1", 2);
    WHEN(reserve_stock, "{\"reservation_id\":\"line-2\",\"quantity\":1}");
    THEN_REFUSED(stock_short);
}

static void a_reservation_carries_the_price_of_its_moment(void **unused)
{
    (void)unused;
    a_listed_product(2);
    GIVEN(price_changed, .price = 5000, .previous_price = 4500);
    WHEN(reserve_stock, "{\"reservation_id\":\"line-1\",\"quantity\":2}");
    assert_int_equal(THEN(0, 1, stock_reserved)->unit_price, 5000);
    assert_int_equal(product_available(product()), 0);
}

static void what_is_made_to_order_is_reserved_without_stock(void **unused)
{
    (void)unused;
    GIVEN(product_listed, .seller_id = TEXT("anna"), .price = 4500, .made_to_order = true);
    WHEN(reserve_stock, "{\"reservation_id\":\"line-1\",\"quantity\":7}");
    THEN(0, 1, stock_reserved);
    WHEN_AT(commit_reservation, "line-1");
    THEN(0, 1, reservation_committed);
    assert_int_equal(product()->reserved, 0);
    assert_int_equal(product()->on_hand, 0);
}

static void a_reservation_id_is_used_once(void **unused)
{
    (void)unused;
    a_listed_product(5);
    a_reservation("line-1", 1);
    WHEN(reserve_stock, "{\"reservation_id\":\"line-1\",\"quantity\":1}");
    THEN_REFUSED(reservation_closed);
}

static void a_committed_reservation_leaves_the_stock(void **unused)
{
    (void)unused;
    a_listed_product(5);
    a_reservation("line-1", 2);
    WHEN_AT(commit_reservation, "line-1");
    assert_int_equal(THEN(0, 1, reservation_committed)->quantity, 2);
    assert_int_equal(product()->on_hand, 3);
    assert_int_equal(product()->reserved, 0);
    WHEN_AT(commit_reservation, "line-1");
    scenario_then_nothing();
    WHEN_AT(release_reservation, "line-1");
    THEN_REFUSED(reservation_closed);
}

static void a_released_reservation_frees_its_units(void **unused)
{
    (void)unused;
    a_listed_product(5);
    a_reservation("line-1", 2);
    WHEN_AT(release_reservation, "line-1");
    THEN(0, 1, reservation_released);
    assert_int_equal(product_available(product()), 5);
    WHEN_AT(release_reservation, "line-1");
    scenario_then_nothing();
    WHEN_AT(commit_reservation, "line-1");
    THEN_REFUSED(reservation_closed);
}

static void releasing_what_never_was_leaves_a_tombstone(void **unused)
{
    (void)unused;
    a_listed_product(5);
    WHEN_AT(release_reservation, "line-9");
    assert_int_equal(THEN(0, 1, reservation_released)->quantity, 0);
    WHEN(reserve_stock, "{\"reservation_id\":\"line-9\",\"quantity\":1}");
    THEN_REFUSED(reservation_closed);
    assert_int_equal(product_available(product()), 5);
}

static void an_unknown_reservation_cannot_be_committed(void **unused)
{
    (void)unused;
    a_listed_product(5);
    WHEN_AT(commit_reservation, "line-9");
    THEN_REFUSED(reservation_not_found);
}

static void a_delisted_product_is_not_for_sale(void **unused)
{
    (void)unused;
    a_listed_product(5);
    a_reservation("line-1", 1);
    WHEN(delist_product, "");
    THEN(0, 1, product_delisted);
    WHEN(reserve_stock, "{\"reservation_id\":\"line-2\",\"quantity\":1}");
    THEN_REFUSED(product_not_for_sale);
    WHEN(change_price, "{\"price\":1}");
    THEN_REFUSED(product_not_for_sale);
    WHEN(delist_product, "");
    scenario_then_nothing();
    WHEN_AT(commit_reservation, "line-1");
    THEN(0, 1, reservation_committed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(listing_with_stock_is_two_events_in_one_commit),
        TEST(listing_without_stock_is_one_event),
        TEST(a_product_made_to_order_has_no_stock),
        TEST(a_title_has_1_to_64_characters),
        TEST(a_price_is_at_least_one_won),
        TEST(a_revision_keeps_what_it_does_not_name),
        TEST(a_revision_of_nothing_changes_nothing),
        TEST(the_same_price_changes_nothing),
        TEST(the_only_unit_keeps_its_price_while_it_is_reserved),
        TEST(reserved_units_cannot_be_written_off),
        TEST(nobody_reserves_more_than_is_left),
        TEST(a_reservation_carries_the_price_of_its_moment),
        TEST(what_is_made_to_order_is_reserved_without_stock),
        TEST(a_reservation_id_is_used_once),
        TEST(a_committed_reservation_leaves_the_stock),
        TEST(a_released_reservation_frees_its_units),
        TEST(releasing_what_never_was_leaves_a_tombstone),
        TEST(an_unknown_reservation_cannot_be_committed),
        TEST(a_delisted_product_is_not_for_sale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
