/* Refusals and answers that change nothing rest on a record behind them, and on as few as will do.
 */
#include "tests/command-svc/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LATTE "0198c5a0-0000-7000-8000-000000000001"
#define MOCHA "0198c5a0-0000-7000-8000-000000000002"

static struct shop shop;

/* A product with one unit, which is gone. */
static int start(void **unused)
{
    (void)unused;
    shop_open(&shop);
    shop_list(&shop, 1, LATTE, 1, "first");
    shop_reserve(&shop, 2, LATTE, "line-1");
    shop_pass(&shop, SECOND_US);
    shop_expect(&shop, "1:done 2:done");
    assert_int_equal(shop_records(&shop), 4); /* claim, listed, adjusted, reserved */
    return 0;
}

static int finish(void **unused)
{
    (void)unused;
    shop_close(&shop);
    return 0;
}

static void a_refusal_waits_for_a_record_behind_it(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    shop_reserve(&shop, 3, LATTE, "line-2");
    shop_turn(&shop);
    shop_expect(&shop, "");
    assert_int_equal(sim_port_under_way(shop.port, SIM_ANY_SOURCE), 1);
    sim_port_hold(shop.port, false);
    shop_turn(&shop);
    shop_expect(&shop, "3:stock_short");
    assert_int_equal(shop_records(&shop), 5);
}

/* What was under way before the decision proves nothing about the moment of the decision. */
static void a_record_appended_before_the_decision_is_no_proof(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    shop_list(&shop, 3, MOCHA, 0, "second");
    shop_turn(&shop);
    shop_reserve(&shop, 4, LATTE, "line-2");
    shop_pass(&shop, 3 * MILLISECOND_US);
    assert_int_equal(sim_port_under_way(shop.port, SIM_ANY_SOURCE), 2);
    sim_port_deliver(shop.port, SIM_ANY_SOURCE, SIM_DELIVERED);
    shop_turn(&shop);
    shop_expect(&shop, "3:done");
    sim_port_deliver(shop.port, SIM_ANY_SOURCE, SIM_DELIVERED);
    shop_turn(&shop);
    shop_expect(&shop, "4:stock_short");
}

static void a_commit_that_follows_is_proof_enough(void **unused)
{
    (void)unused;
    shop_reserve(&shop, 3, LATTE, "line-2");
    shop_list(&shop, 4, MOCHA, 0, "second");
    shop_turn(&shop);
    shop_expect(&shop, "3:stock_short 4:done");
    assert_int_equal(shop_records(&shop), 5);
}

static void one_barrier_serves_all_who_wait(void **unused)
{
    (void)unused;
    for (int number = 3; number < 13; number++)
        shop_reserve(&shop, number, LATTE, "line-2");
    shop_turn(&shop);
    shop_expect(&shop, "3:stock_short 4:stock_short 5:stock_short 6:stock_short 7:stock_short "
                       "8:stock_short 9:stock_short 10:stock_short 11:stock_short 12:stock_short");
    assert_int_equal(shop_records(&shop), 5);
}

static void a_refusal_never_waits_for_time_to_pass(void **unused)
{
    (void)unused;
    shop_reserve(&shop, 3, LATTE, "line-2");
    shop_turn(&shop);
    shop_expect(&shop, "3:stock_short");
    shop_reserve(&shop, 4, LATTE, "line-2");
    shop_turn(&shop);
    shop_expect(&shop, "4:stock_short");
    assert_int_equal(shop_records(&shop), 6);
}

static void there_is_one_barrier_under_way_and_the_others_gather(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    shop_reserve(&shop, 5, LATTE, "line-2");
    shop_pass(&shop, 20 * MILLISECOND_US);
    shop_reserve(&shop, 6, LATTE, "line-2");
    shop_pass(&shop, 20 * MILLISECOND_US);
    assert_int_equal(sim_port_under_way(shop.port, SIM_ANY_SOURCE), 1);
    sim_port_deliver(shop.port, SIM_ANY_SOURCE, SIM_DELIVERED);
    shop_turn(&shop);
    shop_expect(&shop, "5:stock_short");
    assert_int_equal(sim_port_under_way(shop.port, SIM_ANY_SOURCE), 1);
    sim_port_hold(shop.port, false);
    shop_turn(&shop);
    shop_expect(&shop, "6:stock_short");
}

static void a_replay_needs_no_barrier(void **unused)
{
    (void)unused;
    shop_list(&shop, 3, MOCHA, 1, "first");
    shop_turn(&shop);
    shop_expect(&shop, "3:done");
    assert_int_equal(shop_records(&shop), 4);
}

static void a_replay_waits_for_its_twin(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    shop_list(&shop, 3, MOCHA, 0, "second");
    shop_turn(&shop);
    shop_list(&shop, 4, MOCHA, 0, "second");
    shop_pass(&shop, 10 * MILLISECOND_US);
    shop_expect(&shop, "");
    assert_int_equal(sim_port_under_way(shop.port, SIM_ANY_SOURCE), 1);
    sim_port_hold(shop.port, false);
    shop_turn(&shop);
    shop_expect(&shop, "3:done 4:done");
}

/* "Sold out" by an owner that no longer is one may be untrue: the next owner has sold, or got,
 * more.
 */
static void a_refusal_of_a_deposed_owner_is_never_given(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    shop_reserve(&shop, 3, LATTE, "line-2");
    shop_turn(&shop);
    sim_port_deliver(shop.port, SIM_ANY_SOURCE, SIM_LOST);
    shop_turn(&shop);
    shop_expect(&shop, "");
    sim_port_hold(shop.port, false);
    shop_pass(&shop, SECOND_US);
    shop_expect(&shop, "3:stock_short");
    assert_int_equal(shop_records(&shop), 6); /* and a claim, and a barrier */
}

/* With nothing to prove it, the refusal is not certain, and nothing was accepted: 503. */
static void a_refusal_without_proof_ends_as_a_fault(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    shop_reserve(&shop, 3, LATTE, "line-2");
    shop_pass(&shop, 6 * SECOND_US);
    shop_expect(&shop, "3:deadline_passed");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_refusal_waits_for_a_record_behind_it),
        TEST(a_record_appended_before_the_decision_is_no_proof),
        TEST(a_commit_that_follows_is_proof_enough),
        TEST(one_barrier_serves_all_who_wait),
        TEST(a_refusal_never_waits_for_time_to_pass),
        TEST(there_is_one_barrier_under_way_and_the_others_gather),
        TEST(a_replay_needs_no_barrier),
        TEST(a_replay_waits_for_its_twin),
        TEST(a_refusal_of_a_deposed_owner_is_never_given),
        TEST(a_refusal_without_proof_ends_as_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
