/* Overload: calls are turned away while it costs them little, and let in again by themselves. */
#include "lib/log/partition.h"
#include "tests/command-svc/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LATTE "0198c5a0-0000-7000-8000-000000000001"
#define MOCHA "0198c5a0-0000-7000-8000-000000000002"

static struct shop shop;

static int start(void **unused)
{
    (void)unused;
    shop_open(&shop);
    return 0;
}

static int finish(void **unused)
{
    (void)unused;
    shop_close(&shop);
    return 0;
}

static size_t count(const char *word)
{
    size_t found = 0;

    for (const char *at = shop.trace; (at = strstr(at, word)) != NULL; at += strlen(word))
        found++;
    return found;
}

static void a_partition_has_so_many_places_and_no_more(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    for (int number = 0; number < SHOP_LANE_CALLS_MAX + 5; number++)
        shop_list(&shop, number, LATTE, 0, NULL);
    shop_pass(&shop, 2 * MILLISECOND_US);
    shop_expect(&shop, "20:overloaded 21:overloaded 22:overloaded 23:overloaded 24:overloaded");
    sim_port_hold(shop.port, false);
    shop_turn(&shop);
    assert_int_equal(count("done") + count("exists"), SHOP_LANE_CALLS_MAX);
}

/* Nothing is acknowledged in either; still the cold one's call has a place, and is the next to be
 * done. */
static void a_hot_partition_leaves_room_for_the_others(void **unused)
{
    char cold[] = LATTE;
    (void)unused;

    while (log_partition_of(text_of(cold), 2) == log_partition_of(text_of(MOCHA), 2))
        cold[sizeof(cold) - 2]++;
    shop_close(&shop);
    shop_open_with(&shop, 2, 2 * SHOP_LANE_CALLS_MAX);
    sim_port_hold(shop.port, true);
    for (int number = 0; number < 3 * SHOP_LANE_CALLS_MAX; number++) {
        shop_list(&shop, number, MOCHA, 0, NULL);
        shop_pass(&shop, 2 * MILLISECOND_US); /* no longer than calls are gathered */
    }
    assert_int_equal(count("overloaded"), 2 * SHOP_LANE_CALLS_MAX);
    shop_list(&shop, 100, cold, 0, NULL);
    shop_pass(&shop, 2 * MILLISECOND_US);
    assert_int_equal(count("100:"), 0);
    sim_port_hold(shop.port, false);
    shop_turn(&shop);
    assert_int_equal(count("100:done"), 1);
}

static void once_the_oldest_waits_too_long_new_ones_are_turned_away(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    shop_list(&shop, 1, LATTE, 1, "first");
    shop_pass(&shop, 900 * MILLISECOND_US);
    shop_list(&shop, 2, MOCHA, 1, "second");
    shop_pass(&shop, 200 * MILLISECOND_US);
    shop_list(&shop, 3, MOCHA, 1, "third");
    shop_pass(&shop, 2 * MILLISECOND_US);
    shop_expect(&shop, "3:overloaded");
    sim_port_hold(shop.port, false);
    shop_turn(&shop);
    shop_expect(&shop, "1:done 2:done");
    shop_list(&shop, 4, "0198c5a0-0000-7000-8000-000000000003", 1, "third");
    shop_turn(&shop);
    shop_expect(&shop, "4:done");
}

/* Nobody waits any more, yet nothing has moved: who comes now would wait for nothing. */
static void a_log_that_does_not_move_takes_nobody(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    shop_list(&shop, 1, LATTE, 1, "first");
    shop_pass(&shop, 6 * SECOND_US);
    shop_expect(&shop, "1:outcome_unknown");
    shop_list(&shop, 2, MOCHA, 1, "second");
    shop_pass(&shop, 2 * MILLISECOND_US);
    shop_expect(&shop, "2:overloaded");
    sim_port_hold(shop.port, false);
    shop_turn(&shop);
    shop_list(&shop, 3, MOCHA, 1, "first");
    shop_turn(&shop);
    shop_expect(&shop, "3:done");
}

static void without_kafka_nothing_is_accepted_and_nobody_waits(void **unused)
{
    (void)unused;
    int64_t records = shop_records(&shop);
    sim_port_hold_messages(shop.port, true);
    shop_pass(&shop, SECOND_US);
    shop_list(&shop, 1, LATTE, 1, "first");
    shop_turn(&shop);
    shop_expect(&shop, "1:log_unavailable");
    assert_int_equal(shop_records(&shop), records);
    sim_port_hold_messages(shop.port, false);
    shop_list(&shop, 2, LATTE, 1, "first");
    shop_turn(&shop);
    shop_expect(&shop, "2:done");
}

static void a_claim_that_takes_too_long_keeps_nobody_waiting(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    shop_list(&shop, 1, LATTE, 1, "first");
    shop_turn(&shop);
    while (sim_port_under_way(shop.port, SIM_ANY_SOURCE) > 0)
        sim_port_deliver(shop.port, SIM_ANY_SOURCE, SIM_LOST);
    shop_pass(&shop, 1500 * MILLISECOND_US);
    shop_list(&shop, 2, MOCHA, 1, "second");
    shop_turn(&shop);
    shop_expect(&shop, "2:not_ready");
    sim_port_hold(shop.port, false);
    shop_pass(&shop, SECOND_US);
    shop_expect(&shop, "1:done");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_partition_has_so_many_places_and_no_more),
        TEST(a_hot_partition_leaves_room_for_the_others),
        TEST(once_the_oldest_waits_too_long_new_ones_are_turned_away),
        TEST(a_log_that_does_not_move_takes_nobody),
        TEST(without_kafka_nothing_is_accepted_and_nobody_waits),
        TEST(a_claim_that_takes_too_long_keeps_nobody_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
