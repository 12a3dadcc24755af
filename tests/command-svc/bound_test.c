/* A forwarded copy is decided under the term it was made for, or never (decision 7): the process
 * that sent it may have told its client something else since. */
#include "tests/command-svc/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LATTE       "0198c5a0-0000-7000-8000-000000000001"
#define FIRST_CLAIM 0

static struct shop shop;

static int start(void **unused)
{
    (void)unused;
    shop_open(&shop);
    shop_list(&shop, 1, LATTE, 9, "first");
    shop_pass(&shop, SECOND_US);
    shop_expect(&shop, "1:done");
    return 0;
}

static int finish(void **unused)
{
    (void)unused;
    shop_close(&shop);
    return 0;
}

static void under_its_own_term_it_is_a_call_like_others(void **unused)
{
    (void)unused;
    shop_reserve_copy(&shop, 2, LATTE, "line-1", FIRST_CLAIM);
    shop_pass(&shop, SECOND_US);
    shop_expect(&shop, "2:done");
}

static void under_another_term_it_is_not_looked_at(void **unused)
{
    int64_t records = shop_records(&shop);
    (void)unused;

    shop_reserve_copy(&shop, 2, LATTE, "line-1", FIRST_CLAIM + 1);
    shop_pass(&shop, SECOND_US);
    shop_expect(&shop, "2:misplaced");
    assert_int_equal(shop_records(&shop), records);
}

/* The record is lost, the owner claims again. Others would be decided anew now. */
static void what_was_lost_under_its_term_stays_lost(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    shop_reserve(&shop, 2, LATTE, "line-1");
    shop_turn(&shop);
    shop_reserve_copy(&shop, 3, LATTE, "line-2", FIRST_CLAIM);
    shop_pass(&shop, 2 * MILLISECOND_US);
    assert_int_equal(sim_port_under_way(shop.port, SIM_ANY_SOURCE), 2);
    sim_port_deliver(shop.port, SIM_ANY_SOURCE, SIM_LOST);
    sim_port_deliver(shop.port, SIM_ANY_SOURCE, SIM_LOST);
    sim_port_hold(shop.port, false);
    shop_pass(&shop, SECOND_US);
    shop_expect(&shop, "3:misplaced 2:done");
}

/* The record is in the log, its report is not: the next claim settles it, term or no term. */
static void what_was_written_under_its_term_is_done(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    shop_reserve_copy(&shop, 2, LATTE, "line-1", FIRST_CLAIM);
    shop_pass(&shop, 2 * MILLISECOND_US);
    sim_port_deliver(shop.port, SIM_ANY_SOURCE, SIM_UNREPORTED);
    sim_port_hold(shop.port, false);
    shop_pass(&shop, SECOND_US);
    shop_expect(&shop, "2:done");
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(under_its_own_term_it_is_a_call_like_others),
        IN_SHOP(under_another_term_it_is_not_looked_at),
        IN_SHOP(what_was_lost_under_its_term_stays_lost),
        IN_SHOP(what_was_written_under_its_term_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
