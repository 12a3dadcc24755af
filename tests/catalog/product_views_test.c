/* What the catalog's views make of a product's events. */
#include "lib/core/id.h"
#include "projector/catalog/product_detail.h"
#include "projector/catalog/product_list.h"
#include "projector/catalog/product_rows.h"
#include "tests/support/view_scenario.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LATTE                                                                                      \
    .seller_id = TEXT("seller-1"), .title = TEXT("Latte"), .description = TEXT("hot"), .price = 4500

static void assert_text(struct text text, const char *expected)
{
    assert_true(text_is(text, expected));
}

static const struct product_detail_row *detail(void)
{
    return view_row();
}

static const struct product_list_row *list(void)
{
    return view_row();
}

static void a_listed_product_is_active_and_has_no_stock(void **unused)
{
    (void)unused;
    view_begin(&product_detail_view);
    HAPPENED(product_listed, LATTE);
    assert_text(detail()->seller_id, "seller-1");
    assert_text(detail()->title, "Latte");
    assert_text(detail()->description, "hot");
    assert_int_equal(detail()->price, 4500);
    assert_int_equal(detail()->status, PRODUCT_ROW_ACTIVE);
    assert_int_equal(detail()->on_hand, 0);
    assert_int_equal(detail()->reserved, 0);
    assert_int_equal(detail()->version, 1);
}

static void a_product_may_have_no_description(void **unused)
{
    (void)unused;
    view_begin(&product_detail_view);
    HAPPENED(product_listed, .seller_id = TEXT("s"), .title = TEXT("t"), .price = 1);
    assert_null(detail()->description.bytes);
}

static void a_revision_changes_only_what_it_names(void **unused)
{
    (void)unused;
    view_begin(&product_detail_view);
    HAPPENED(product_listed, LATTE);
    HAPPENED(product_revised, .description = TEXT("cold"));
    assert_text(detail()->title, "Latte");
    assert_text(detail()->description, "cold");
    HAPPENED(product_revised, .title = TEXT("Iced latte"));
    assert_text(detail()->title, "Iced latte");
    assert_text(detail()->description, "cold");
    view_begin(&product_list_view);
    HAPPENED(product_listed, LATTE);
    HAPPENED(product_revised, .description = TEXT("cold"));
    assert_text(list()->title, "Latte");
    assert_int_equal(list()->version, 2);
}

static void a_new_price_replaces_the_old_one(void **unused)
{
    (void)unused;
    view_begin(&product_detail_view);
    HAPPENED(product_listed, LATTE);
    HAPPENED(price_changed, .price = 5000, .previous_price = 4500);
    assert_int_equal(detail()->price, 5000);
    view_begin(&product_list_view);
    HAPPENED(product_listed, LATTE);
    HAPPENED(price_changed, .price = 5000, .previous_price = 4500);
    assert_int_equal(list()->price, 5000);
}

static void stock_is_held_then_leaves_or_comes_back(void **unused)
{
    (void)unused;
    view_begin(&product_detail_view);
    HAPPENED(product_listed, LATTE);
    HAPPENED(stock_adjusted, .delta = 10, .reason = TEXT("delivery"));
    HAPPENED(stock_reserved, .reservation_id = TEXT("a"), .quantity = 3);
    HAPPENED(stock_reserved, .reservation_id = TEXT("b"), .quantity = 2);
    assert_int_equal(detail()->on_hand, 10);
    assert_int_equal(detail()->reserved, 5);
    HAPPENED(reservation_committed, .reservation_id = TEXT("a"), .quantity = 3);
    assert_int_equal(detail()->on_hand, 7);
    assert_int_equal(detail()->reserved, 2);
    HAPPENED(reservation_released, .reservation_id = TEXT("b"), .quantity = 2);
    assert_int_equal(detail()->on_hand, 7);
    assert_int_equal(detail()->reserved, 0);
    HAPPENED(stock_adjusted, .delta = -7, .reason = TEXT("broken"));
    assert_int_equal(detail()->on_hand, 0);
    assert_int_equal(detail()->version, 7);
}

static void what_is_available_is_neither_held_nor_gone(void **unused)
{
    (void)unused;
    view_begin(&product_list_view);
    HAPPENED(product_listed, LATTE);
    HAPPENED(stock_adjusted, .delta = 10, .reason = TEXT("delivery"));
    HAPPENED(stock_reserved, .reservation_id = TEXT("a"), .quantity = 3);
    HAPPENED(stock_reserved, .reservation_id = TEXT("b"), .quantity = 2);
    assert_int_equal(list()->available, 5);
    HAPPENED(reservation_committed, .reservation_id = TEXT("a"), .quantity = 3);
    assert_int_equal(list()->available, 5);
    HAPPENED(reservation_released, .reservation_id = TEXT("b"), .quantity = 2);
    assert_int_equal(list()->available, 7);
}

static void what_is_made_to_order_has_no_stock_to_lose(void **unused)
{
    (void)unused;
    view_begin(&product_detail_view);
    HAPPENED(product_listed, LATTE, .made_to_order = true);
    HAPPENED(stock_reserved, .reservation_id = TEXT("a"), .quantity = 3);
    assert_int_equal(detail()->reserved, 3);
    HAPPENED(reservation_committed, .reservation_id = TEXT("a"), .quantity = 3);
    assert_int_equal(detail()->on_hand, 0);
    assert_int_equal(detail()->reserved, 0);
    view_begin(&product_list_view);
    HAPPENED(product_listed, LATTE, .made_to_order = true);
    HAPPENED(stock_reserved, .reservation_id = TEXT("a"), .quantity = 3);
    assert_int_equal(list()->available, 0);
    HAPPENED(reservation_released, .reservation_id = TEXT("a"), .quantity = 3);
    assert_int_equal(list()->available, 0);
}

static void the_tombstone_of_a_reservation_only_counts_as_a_version(void **unused)
{
    (void)unused;
    view_begin(&product_detail_view);
    HAPPENED(product_listed, LATTE);
    HAPPENED(reservation_released, .reservation_id = TEXT("never"), .quantity = 0);
    assert_int_equal(detail()->reserved, 0);
    assert_int_equal(detail()->version, 2);
}

static void a_delisted_product_keeps_its_row(void **unused)
{
    (void)unused;
    view_begin(&product_detail_view);
    HAPPENED(product_listed, LATTE);
    HAPPENED(product_delisted, .reason = TEXT("sold out"));
    assert_int_equal(detail()->status, PRODUCT_ROW_DELISTED);
    assert_text(detail()->title, "Latte");
    view_begin(&product_list_view);
    HAPPENED(product_listed, LATTE);
    HAPPENED(product_delisted, .reason = TEXT("sold out"));
    assert_int_equal(list()->status, PRODUCT_ROW_DELISTED);
}

static const struct view *const both[] = {&product_detail_view, &product_list_view};

static void a_gap_in_the_versions_is_refused(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        view_begin(both[i]);
        REFUSED(price_changed, 1, .price = 1);
        REFUSED(price_changed, 2, .price = 1);
        REFUSED(product_listed, 2, LATTE);
        HAPPENED(product_listed, LATTE);
        REFUSED(price_changed, 3, .price = 1);
    }
}

static void a_repeated_version_is_refused(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        view_begin(both[i]);
        HAPPENED(product_listed, LATTE);
        REFUSED(product_listed, 1, LATTE);
        HAPPENED(price_changed, .price = 2);
        REFUSED(price_changed, 2, .price = 2);
        REFUSED(price_changed, 1, .price = 2);
    }
}

static void a_product_is_listed_only_once(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        view_begin(both[i]);
        HAPPENED(product_listed, LATTE);
        REFUSED(product_listed, 2, LATTE);
    }
}

static void units_beyond_an_integer_are_refused(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        view_begin(both[i]);
        HAPPENED(product_listed, LATTE);
        HAPPENED(stock_adjusted, .delta = INT64_MAX, .reason = TEXT("x"));
        REFUSED(stock_adjusted, 3, .delta = 1, .reason = TEXT("x"));
    }
    view_begin(&product_detail_view);
    HAPPENED(product_listed, LATTE);
    REFUSED(reservation_committed, 2, .reservation_id = TEXT("a"), .quantity = INT64_MIN);
}

static void a_product_is_known_by_its_uuid_in_lower_case(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "",
        "latte",
        "0190A5B2-7C3D-7E4F-8A5B-1C2D3E4F5A6B",
        "0190a5b27c3d7e4f8a5b1c2d3e4f5a6b",
    };
    struct view_keys keys;
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        struct view_event event = {.subject = text_of(SCENARIO_SUBJECT)};
        assert_true(both[i]->keys(&event, &keys));
        for (size_t w = 0; w < COUNT_OF(wrong); w++) {
            event.subject = text_of(wrong[w]);
            assert_false(both[i]->keys(&event, &keys));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listed_product_is_active_and_has_no_stock),
        cmocka_unit_test(a_product_may_have_no_description),
        cmocka_unit_test(a_revision_changes_only_what_it_names),
        cmocka_unit_test(a_new_price_replaces_the_old_one),
        cmocka_unit_test(stock_is_held_then_leaves_or_comes_back),
        cmocka_unit_test(what_is_available_is_neither_held_nor_gone),
        cmocka_unit_test(what_is_made_to_order_has_no_stock_to_lose),
        cmocka_unit_test(the_tombstone_of_a_reservation_only_counts_as_a_version),
        cmocka_unit_test(a_delisted_product_keeps_its_row),
        cmocka_unit_test(a_gap_in_the_versions_is_refused),
        cmocka_unit_test(a_repeated_version_is_refused),
        cmocka_unit_test(a_product_is_listed_only_once),
        cmocka_unit_test(units_beyond_an_integer_are_refused),
        cmocka_unit_test(a_product_is_known_by_its_uuid_in_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
