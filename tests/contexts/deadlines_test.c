/* Deadlines fire once, when their time has come and not before, whatever happens to the process. */
#include "command-svc/exchange/purse.h"
#include "command-svc/exchange/transfer.h"
#include "command-svc/metrics.h"
#include "tests/contexts/house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PURSE    "11111111-1111-4111-8111-111111111111"
#define CHEST    "22222222-2222-4222-8222-222222222222"
#define TRANSFER "33333333-3333-4333-8333-333333333333"

extern const struct command request_transfer, approve_transfer;

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

/* As request_transfer.c has it. */
struct request_transfer_input {
    struct text purse_id;
    struct text chest_id;
    int64_t amount;
    int64_t patience_ms;
};

static void ask_transfer(const char *id, int64_t patience_ms)
{
    struct request_transfer_input wanted = {text_of(PURSE), text_of(CHEST), 7, patience_ms};

    assert_true(house_ask(&house, &request_transfer, id, &wanted).accepted);
}

static size_t expired(const char *id)
{
    return house_events(&house, "exchange", &transfer_cancelling_record, id);
}

static void a_deadline_fires_when_its_time_has_come_and_not_before(void **unused)
{
    (void)unused;
    ask_transfer(TRANSFER, 10000);
    house_run(&house, 9 * SECOND_US);
    assert_int_equal(expired(TRANSFER), 0);
    house_run(&house, 2 * SECOND_US);
    assert_int_equal(expired(TRANSFER), 1);
}

static void it_fires_once(void **unused)
{
    (void)unused;
    ask_transfer(TRANSFER, 100);
    house_run(&house, 30 * SECOND_US);
    assert_int_equal(expired(TRANSFER), 1);
}

static void a_deadline_in_the_past_fires_at_once(void **unused)
{
    (void)unused;
    ask_transfer(TRANSFER, 0);
    house_run(&house, SECOND_US);
    assert_int_equal(expired(TRANSFER), 1);
}

static void what_came_due_while_nobody_was_there_fires_at_the_start(void **unused)
{
    (void)unused;
    ask_transfer(TRANSFER, 10000);
    house_stop(&house);
    sim_broker_pass(house.broker, 60 * SECOND_US);
    house_start(&house);
    assert_int_equal(expired(TRANSFER), 1);
}

static void a_rebuilt_index_fires_what_is_open_and_resurrects_none(void **unused)
{
    (void)unused;
    ask_transfer(TRANSFER, 1000);
    house_run(&house, 3 * SECOND_US);
    ask_transfer(PURSE, 20000);
    house_stop(&house);
    house_forget(&house);
    house_start(&house);
    house_run(&house, 30 * SECOND_US);
    assert_int_equal(expired(TRANSFER), 1);
    assert_int_equal(expired(PURSE), 1);
}

static int64_t fired(void)
{
    return atomic_load(&metric_deadlines_fired.value);
}

static void record(const char *step_name, bool accepted)
{
    struct reaction_outcome outcome = {
        TEXT("carry_transfer"), text_of(step_name), TEXT("target"), accepted, TEXT("coins_short"),
    };

    assert_true(house_ask(&house, &record_transfer_step, TRANSFER, &outcome).accepted);
}

/* The transfer has ended: nothing changes, and an outcome record says so. */
static void a_firing_without_effect_is_over_too(void **unused)
{
    int64_t before = fired();
    (void)unused;

    ask_transfer(TRANSFER, 5000);
    record("hold", false);
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

    ask_transfer(TRANSFER, 5000);
    record("hold", true);
    assert_true(house_ask(&house, &approve_transfer, TRANSFER, NULL).accepted);
    house_run(&house, 30 * SECOND_US);
    assert_int_equal(fired() - before, 0);
}

static void thousands_fire_a_share_at_a_time(void **unused)
{
    char id[] = "00000000-0000-4000-8000-000000000000";
    (void)unused;

    for (int i = 0; i < 500; i++) {
        id[0] = (char)('0' + i % 10);
        id[1] = (char)('0' + i / 10 % 10);
        id[2] = (char)('0' + i / 100);
        ask_transfer(id, 60000);
    }
    house_run(&house, 70 * SECOND_US);
    assert_int_equal(expired(NULL), 500);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(a_deadline_fires_when_its_time_has_come_and_not_before),
        IN_HOUSE(it_fires_once),
        IN_HOUSE(a_deadline_in_the_past_fires_at_once),
        IN_HOUSE(what_came_due_while_nobody_was_there_fires_at_the_start),
        IN_HOUSE(a_rebuilt_index_fires_what_is_open_and_resurrects_none),
        IN_HOUSE(a_firing_without_effect_is_over_too),
        IN_HOUSE(a_deadline_that_was_cleared_does_not_fire),
        IN_HOUSE(thousands_fire_a_share_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
