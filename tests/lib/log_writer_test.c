/* The owner while all goes well, and what it makes of a log that is not the one it knows. */
#include "tests/lib/log_owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct sim_broker *broker;
static struct log_owner_process owner;

static int start(void **unused)
{
    (void)unused;
    broker = sim_broker_create(1);
    return 0;
}

static int finish(void **unused)
{
    (void)unused;
    owner_stop(&owner);
    sim_broker_destroy(broker);
    return 0;
}

/* A log that seems too short is given ten seconds. */
static void expect_stopped(enum fault fault)
{
    for (int i = 0; i < 15 && log_partition_state(owner.partition) != LOG_STOPPED; i++)
        owner_run(&owner);
    assert_int_equal(log_partition_state(owner.partition), LOG_STOPPED);
    assert_int_equal(log_partition_error(owner.partition)->fault, fault);
}

static void nobody_appends_without_a_claim(void **unused)
{
    struct log_event event = owner_event(1);
    struct error error;

    (void)unused;
    owner_start(&owner, broker, NULL);
    owner_run(&owner);
    assert_int_equal(log_partition_state(owner.partition), LOG_FOLLOWING);
    assert_false(log_partition_append(owner.partition, &event, 1, 1, &error));
    assert_int_equal(error.fault, FAULT_NOT_READY);
    assert_int_equal(sim_broker_end(broker, OWNER_TOPIC, 0), 0);
}

static void a_claim_makes_an_owner_whose_appends_are_acknowledged_in_order(void **unused)
{
    (void)unused;
    owner_start(&owner, broker, NULL);
    log_partition_claim(owner.partition);
    owner_run(&owner);
    owner_expect(&owner, "serving@1");
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 3));
    assert_true(owner_append(&owner, 3, 1));
    assert_int_equal(log_partition_unacknowledged(owner.partition), 3);
    owner_turn(&owner);
    owner_expect(&owner, "ack:1 ack:2 ack:3");
    const struct log_position *position = log_partition_position(owner.partition);
    assert_int_equal(position->next, 6);
    assert_int_equal(position->last_offset, 5);
    assert_int_equal(position->term, 0);
    assert_int_equal(position->seq, 5);
    assert_int_equal(position->time_us, sim_broker_now_us(broker));
}

static void nothing_is_acknowledged_before_its_report(void **unused)
{
    (void)unused;
    owner_start_serving(&owner, broker);
    sim_port_hold(owner.port, true);
    assert_true(owner_append(&owner, 1, 2));
    owner_turn(&owner);
    sim_port_deliver(owner.port, SIM_ANY_SOURCE, SIM_DELIVERED);
    owner_turn(&owner);
    owner_expect(&owner, "");
    assert_int_equal(log_partition_position(owner.partition)->next, 1);
    sim_port_deliver(owner.port, SIM_ANY_SOURCE, SIM_DELIVERED);
    owner_turn(&owner);
    owner_expect(&owner, "ack:1");
}

static void a_new_owner_applies_what_the_old_one_left(void **unused)
{
    (void)unused;
    owner_start_serving(&owner, broker);
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 2));
    owner_turn(&owner);
    struct log_position position = *log_partition_position(owner.partition);
    assert_true(owner_append(&owner, 3, 1));
    owner_stop(&owner);

    owner_start(&owner, broker, &position);
    log_partition_claim(owner.partition);
    owner_run(&owner);
    owner_expect(&owner, "apply:3 serving@6");
    assert_true(uuid_equal(&log_partition_position(owner.partition)->log, &position.log));
}

static void a_follower_hears_everything_and_writes_nothing(void **unused)
{
    struct log_owner_process follower;

    (void)unused;
    owner_start_serving(&owner, broker);
    owner_start(&follower, broker, NULL);
    owner_run(&follower);
    owner_expect(&follower, "advanced@1");
    assert_true(owner_append(&owner, 1, 2));
    owner_run(&follower);
    owner_expect(&follower, "apply:1");
    assert_int_equal(sim_broker_end(broker, OWNER_TOPIC, 0), 3);
    owner_stop(&follower);
}

static void a_released_partition_is_followed_once_all_reports_are_in(void **unused)
{
    (void)unused;
    owner_start_serving(&owner, broker);
    sim_port_hold(owner.port, true);
    assert_true(owner_append(&owner, 1, 1));
    log_partition_release(owner.partition);
    assert_false(owner_append(&owner, 2, 1));
    owner_turn(&owner);
    owner_expect(&owner, "");
    sim_port_hold(owner.port, false);
    owner_turn(&owner);
    owner_expect(&owner, "ack:1 deposed");
    assert_int_equal(log_partition_state(owner.partition), LOG_FOLLOWING);
    owner_run(&owner);
    owner_expect(&owner, "");
    assert_int_equal(sim_broker_end(broker, OWNER_TOPIC, 0), 2);
}

static void a_partition_given_back_in_time_needs_no_new_claim(void **unused)
{
    (void)unused;
    owner_start_serving(&owner, broker);
    sim_port_hold(owner.port, true);
    assert_true(owner_append(&owner, 1, 1));
    log_partition_release(owner.partition);
    log_partition_claim(owner.partition);
    assert_true(owner_append(&owner, 2, 1));
    sim_port_hold(owner.port, false);
    owner_run(&owner);
    owner_expect(&owner, "ack:1 ack:2");
}

static void an_overload_appends_nothing_and_leaves_no_gap(void **unused)
{
    (void)unused;
    owner_start_serving(&owner, broker);
    sim_port_hold(owner.port, true);
    sim_port_limit(owner.port, 2);
    assert_true(owner_append(&owner, 1, 1));
    assert_false(owner_append(&owner, 2, 2));
    assert_true(owner_append(&owner, 3, 1));
    sim_port_hold(owner.port, false);
    owner_turn(&owner);
    owner_expect(&owner, "ack:1 ack:3");
}

static void commits_and_records_have_limits(void **unused)
{
    static char large[LOG_RECORD_BYTES_MAX];
    struct log_event event = owner_event(1);
    struct error error;

    (void)unused;
    owner_start_serving(&owner, broker);
    assert_false(log_partition_append(owner.partition, &event, 0, 1, &error));
    assert_int_equal(error.fault, FAULT_LIMIT_EXCEEDED);
    assert_false(
        log_partition_append(owner.partition, &event, LOG_COMMIT_RECORDS_MAX + 1, 1, &error));
    assert_int_equal(error.fault, FAULT_LIMIT_EXCEEDED);
    event.payload = (struct text){.bytes = large, .size = sizeof(large)};
    assert_false(log_partition_append(owner.partition, &event, 1, 1, &error));
    assert_int_equal(error.fault, FAULT_LIMIT_EXCEEDED);
    assert_true(owner_append(&owner, 2, LOG_COMMIT_RECORDS_MAX));
    owner_turn(&owner);
    owner_expect(&owner, "ack:2");
}

static void partition_time_follows_the_append_times_and_never_goes_back(void **unused)
{
    (void)unused;
    owner_start_serving(&owner, broker);
    int64_t claimed_us = log_partition_now_us(owner.partition);
    sim_broker_pass(broker, 5000000);
    int64_t waited_us = log_partition_now_us(owner.partition);
    assert_int_equal(waited_us, claimed_us + 5000000);
    assert_true(owner_append(&owner, 1, 1));
    sim_broker_pass(broker, 2000000);
    assert_true(log_partition_now_us(owner.partition) >= waited_us + 2000000);
    int64_t before_us = log_partition_now_us(owner.partition);
    owner_turn(&owner);
    assert_true(log_partition_now_us(owner.partition) >= before_us);
    assert_in_range(log_partition_now_us(owner.partition), sim_broker_now_us(broker) - 2000000,
                    sim_broker_now_us(broker));
}

static void another_partition_count_is_refused(void **unused)
{
    (void)unused;
    foreign_claim(broker, OWNER_PARTITIONS + 1);
    owner_start(&owner, broker, NULL);
    log_partition_claim(owner.partition);
    owner_run(&owner);
    expect_stopped(FAULT_LOG_FAILED);
    assert_int_equal(sim_broker_end(broker, OWNER_TOPIC, 0), 1);
}

static void start_with_failing_apply(enum fault fault)
{
    owner_start_serving(&owner, broker);
    assert_true(owner_append(&owner, 1, 1));
    owner_stop(&owner);
    owner_start(&owner, broker, NULL);
    owner.apply_fault = fault;
    owner_run(&owner);
}

static void an_apply_that_can_never_succeed_stops_the_partition(void **unused)
{
    (void)unused;
    start_with_failing_apply(FAULT_DATA_CORRUPT);
    owner_expect(&owner, "apply:1");
    expect_stopped(FAULT_DATA_CORRUPT);
}

static void an_apply_that_fails_in_passing_is_tried_again_before_anything_else(void **unused)
{
    (void)unused;
    start_with_failing_apply(FAULT_INDEX_FAILED);
    assert_int_not_equal(log_partition_state(owner.partition), LOG_STOPPED);
    assert_int_not_equal(log_partition_state(owner.partition), LOG_SERVING);
    owner.apply_fault = FAULT_NONE;
    owner.trace[0] = '\0';
    owner_run(&owner);
    owner_expect(&owner, "apply:1");
}

/* Serves, appends numbers 1 to count, stops; the position behind them. */
static struct log_position append_and_stop(int64_t count)
{
    owner_start_serving(&owner, broker);
    for (int64_t number = 1; number <= count; number++)
        assert_true(owner_append(&owner, number, 1));
    owner_turn(&owner);
    struct log_position position = *log_partition_position(owner.partition);
    owner_stop(&owner);
    return position;
}

static void a_log_cut_since_the_position_is_refused(void **unused)
{
    (void)unused;
    struct log_position position = append_and_stop(3);
    sim_broker_truncate(broker, OWNER_TOPIC, 0, 3);
    owner_start(&owner, broker, &position);
    log_partition_claim(owner.partition);
    owner_run(&owner);
    expect_stopped(FAULT_LOG_TRUNCATED);
}

/* A new leader of the partition does not know at once that all of it is replicated. */
static void a_log_that_is_short_for_a_moment_is_waited_for(void **unused)
{
    (void)unused;
    struct log_position position = append_and_stop(3);
    for (int64_t end = 0; end < position.next; end++) {
        sim_broker_hide(broker, OWNER_TOPIC, 0, end);
        owner_start(&owner, broker, &position);
        for (int i = 0; i < 4; i++)
            owner_run(&owner);
        assert_int_equal(log_partition_state(owner.partition), LOG_FOLLOWING);
        sim_broker_hide(broker, OWNER_TOPIC, 0, LOG_OFFSET_NONE);
        int64_t junk = foreign_junk(broker);
        for (int i = 0; i < 5; i++)
            owner_run(&owner);
        assert_int_equal(log_partition_state(owner.partition), LOG_FOLLOWING);
        assert_int_equal(log_partition_position(owner.partition)->next, junk + 1);
        owner_stop(&owner);
    }
    owner_start(&owner, broker, &position);
}

static void a_log_cut_and_grown_again_is_refused(void **unused)
{
    (void)unused;
    struct log_position position = append_and_stop(3);
    sim_broker_truncate(broker, OWNER_TOPIC, 0, 2);
    foreign_junk(broker);
    foreign_junk(broker);
    foreign_junk(broker);
    owner_start(&owner, broker, &position);
    owner_run(&owner);
    expect_stopped(FAULT_LOG_REPLACED);
}

static void a_log_made_anew_in_the_same_shape_is_refused(void **unused)
{
    (void)unused;
    struct log_position position = append_and_stop(3);
    sim_broker_recreate(broker, OWNER_TOPIC, 0);
    struct log_position again = append_and_stop(5);
    assert_int_equal(again.term, position.term);
    owner_start(&owner, broker, &position);
    owner_run(&owner);
    expect_stopped(FAULT_LOG_REPLACED);
}

static void an_emptied_log_is_refused(void **unused)
{
    (void)unused;
    struct log_position position = append_and_stop(3);
    sim_broker_recreate(broker, OWNER_TOPIC, 0);
    owner_start(&owner, broker, &position);
    owner_run(&owner);
    expect_stopped(FAULT_LOG_TRUNCATED);
}

static void a_log_that_retention_passed_is_refused(void **unused)
{
    struct log_position beginning;

    (void)unused;
    struct log_position position = append_and_stop(5);
    sim_broker_retain(broker, OWNER_TOPIC, 0, 3);
    owner_start(&owner, broker, &position);
    owner_run(&owner);
    assert_int_equal(log_partition_state(owner.partition), LOG_FOLLOWING);
    owner_stop(&owner);

    log_position_start(&beginning);
    owner_start(&owner, broker, &beginning);
    owner_run(&owner);
    expect_stopped(FAULT_LOG_TRUNCATED);
    assert_non_null(strstr(log_partition_error(owner.partition)->detail, "retention"));
}

static void a_log_of_which_retention_left_nothing_is_refused(void **unused)
{
    (void)unused;
    struct log_position position = append_and_stop(5);
    sim_broker_retain(broker, OWNER_TOPIC, 0, position.next);
    owner_start(&owner, broker, &position);
    owner_run(&owner);
    expect_stopped(FAULT_LOG_TRUNCATED);
    assert_non_null(strstr(log_partition_error(owner.partition)->detail, "retention"));
}

static void a_log_made_anew_under_a_serving_owner_stops_it(void **unused)
{
    (void)unused;
    owner_start_serving(&owner, broker);
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    owner_turn(&owner);
    sim_broker_recreate(broker, OWNER_TOPIC, 0);
    assert_true(owner_append(&owner, 3, 1));
    owner_turn(&owner);
    owner_expect(&owner, "ack:1 ack:2 deposed");
    expect_stopped(FAULT_LOG_TRUNCATED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_appends_without_a_claim),
        TEST(a_claim_makes_an_owner_whose_appends_are_acknowledged_in_order),
        TEST(nothing_is_acknowledged_before_its_report),
        TEST(a_new_owner_applies_what_the_old_one_left),
        TEST(a_follower_hears_everything_and_writes_nothing),
        TEST(a_released_partition_is_followed_once_all_reports_are_in),
        TEST(a_partition_given_back_in_time_needs_no_new_claim),
        TEST(an_overload_appends_nothing_and_leaves_no_gap),
        TEST(commits_and_records_have_limits),
        TEST(partition_time_follows_the_append_times_and_never_goes_back),
        TEST(another_partition_count_is_refused),
        TEST(an_apply_that_can_never_succeed_stops_the_partition),
        TEST(an_apply_that_fails_in_passing_is_tried_again_before_anything_else),
        TEST(a_log_cut_since_the_position_is_refused),
        TEST(a_log_that_is_short_for_a_moment_is_waited_for),
        TEST(a_log_cut_and_grown_again_is_refused),
        TEST(a_log_made_anew_in_the_same_shape_is_refused),
        TEST(an_emptied_log_is_refused),
        TEST(a_log_that_retention_passed_is_refused),
        TEST(a_log_of_which_retention_left_nothing_is_refused),
        TEST(a_log_made_anew_under_a_serving_owner_stops_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
