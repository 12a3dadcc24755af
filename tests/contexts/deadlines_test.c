/* Deadlines fire once, when their time has come and not before, whatever happens to the process. */
#include "command-svc/exchange/purse.h"
#include "command-svc/exchange/transfer.h"
#include "command-svc/metrics.h"
#include "tests/contexts/house.h"
#include "tests/contexts/transfers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct house house;

static int open_house(void **unused)
{
    (void)unused;
    house_open(&house);
    return 0;
}

static int close_house(void **unused)
{
    (void)unused;
    house_close(&house);
    return 0;
}

static int open_house_with_purse(void **unused)
{
    open_house(unused);
    transfers_open_purse(&house, PURSE, 10000);
    return 0;
}

static size_t expired(const char *id)
{
    return house_events(&house, "exchange", &transfer_cancelling_record, id);
}

static void a_deadline_fires_when_its_time_has_come_and_not_before(void **unused)
{
    (void)unused;
    transfers_request(&house, TRANSFER, 7, 10000);
    house_run(&house, 9 * SECOND_US);
    assert_int_equal(expired(TRANSFER), 0);
    house_run(&house, 2 * SECOND_US);
    assert_int_equal(expired(TRANSFER), 1);
}

static void it_fires_once(void **unused)
{
    (void)unused;
    transfers_request(&house, TRANSFER, 7, 100);
    house_run(&house, 30 * SECOND_US);
    assert_int_equal(expired(TRANSFER), 1);
}

static void a_deadline_in_the_past_fires_at_once(void **unused)
{
    (void)unused;
    transfers_request(&house, TRANSFER, 7, 0);
    house_run(&house, SECOND_US);
    assert_int_equal(expired(TRANSFER), 1);
}

static void what_came_due_while_nobody_was_there_fires_at_the_start(void **unused)
{
    (void)unused;
    transfers_request(&house, TRANSFER, 7, 10000);
    house_stop(&house);
    sim_broker_pass(house.broker, 60 * SECOND_US);
    house_start(&house);
    assert_int_equal(expired(TRANSFER), 1);
}

static void a_rebuilt_index_fires_what_is_open_and_resurrects_none(void **unused)
{
    (void)unused;
    transfers_request(&house, TRANSFER, 7, 1000);
    house_run(&house, 3 * SECOND_US);
    transfers_request(&house, OTHER_TRANSFER, 7, 20000);
    house_stop(&house);
    house_forget(&house);
    house_start(&house);
    house_run(&house, 30 * SECOND_US);
    assert_int_equal(expired(TRANSFER), 1);
    assert_int_equal(expired(OTHER_TRANSFER), 1);
}

static int64_t fired(void)
{
    return atomic_load(&metric_deadlines_fired.value);
}

/* There is no purse, so the transfer has ended: nothing changes, and an outcome record says so. */
static void a_firing_without_effect_is_over_too(void **unused)
{
    int64_t before = fired();
    (void)unused;

    transfers_request(&house, TRANSFER, 7, 5000);
    house_run(&house, 30 * SECOND_US);
    assert_int_equal(fired() - before, 1);
    house_stop(&house);
    house_forget(&house);
    house_start(&house);
    house_run(&house, 30 * SECOND_US);
    assert_int_equal(fired() - before, 1);
    assert_int_equal(expired(TRANSFER), 0);
}

static void a_deadline_that_was_cleared_does_not_fire(void **unused)
{
    int64_t before = fired();
    (void)unused;

    transfers_request(&house, TRANSFER, 7, 5000);
    house_run(&house, SECOND_US);
    assert_true(house_ask(&house, &approve_transfer, TRANSFER, NULL).accepted);
    house_run(&house, 30 * SECOND_US);
    assert_int_equal(fired() - before, 0);
}

static void thousands_fire_a_share_at_a_time(void **unused)
{
    char id[TRANSFERS_ID_SIZE];
    (void)unused;

    for (int i = 0; i < 500; i++) {
        transfers_id(i, id);
        transfers_request(&house, id, 7, 60000);
    }
    house_run(&house, 70 * SECOND_US);
    assert_int_equal(expired(NULL), 500);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, open_house_with_purse, close_house)
#define IN_EMPTY(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(a_deadline_fires_when_its_time_has_come_and_not_before),
        IN_HOUSE(it_fires_once),
        IN_HOUSE(a_deadline_in_the_past_fires_at_once),
        IN_HOUSE(what_came_due_while_nobody_was_there_fires_at_the_start),
        IN_HOUSE(a_rebuilt_index_fires_what_is_open_and_resurrects_none),
        IN_EMPTY(a_firing_without_effect_is_over_too),
        IN_HOUSE(a_deadline_that_was_cleared_does_not_fire),
        IN_HOUSE(thousands_fire_a_share_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
