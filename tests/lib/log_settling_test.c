/* What disturbs a serving owner: strangers in the log, lost records, lost reports, other claims. */
#include "tests/lib/log_owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct sim_broker *broker;
static struct log_owner_process owner;

static int start(void **unused)
{
    (void)unused;
    broker = sim_broker_create(2);
    owner_start_serving(&owner, broker);
    sim_port_hold(owner.port, true);
    return 0;
}

static int finish(void **unused)
{
    (void)unused;
    owner_stop(&owner);
    sim_broker_destroy(broker);
    return 0;
}

static void deliver(enum sim_fate fate)
{
    sim_port_deliver(owner.port, SIM_ANY_SOURCE, fate);
}

/* Everything under way arrives, and all that follows from it. */
static void calm_down(void)
{
    sim_port_hold(owner.port, false);
    owner_run(&owner);
}

/* What a reader from the beginning makes of the log. */
static void expect_history(const char *trace)
{
    struct log_owner_process reader;

    owner_start(&reader, broker, NULL);
    owner_run(&reader);
    owner_expect(&reader, trace);
    owner_stop(&reader);
}

static void junk_in_between_changes_nothing(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    deliver(SIM_DELIVERED);
    foreign_junk(broker);
    foreign_junk(broker);
    calm_down();
    owner_expect(&owner, "ack:1 ack:2");
    assert_true(owner_append(&owner, 3, 1));
    owner_run(&owner);
    owner_expect(&owner, "ack:3");
    assert_int_equal(log_partition_position(owner.partition)->next, 6);
    expect_history("apply:1 apply:2 apply:3");
}

static void junk_inside_a_commit_changes_nothing(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 3));
    deliver(SIM_DELIVERED);
    foreign_junk(broker);
    deliver(SIM_DELIVERED);
    foreign_junk(broker);
    calm_down();
    owner_expect(&owner, "ack:1");
    expect_history("apply:1");
}

static void appends_are_refused_while_a_gap_is_read(void **unused)
{
    (void)unused;
    foreign_junk(broker);
    assert_true(owner_append(&owner, 1, 1));
    deliver(SIM_DELIVERED);
    sim_port_hold_messages(owner.port, true);
    owner_turn(&owner);
    assert_int_equal(log_partition_state(owner.partition), LOG_SETTLING);
    assert_false(owner_append(&owner, 2, 1));
    sim_port_hold_messages(owner.port, false);
    owner_turn(&owner);
    owner_expect(&owner, "ack:1");
    assert_int_equal(log_partition_state(owner.partition), LOG_SERVING);
}

static void a_zombie_in_between_changes_nothing(void **unused)
{
    (void)unused;
    foreign_claim(broker, OWNER_PARTITIONS);
    assert_true(owner_append(&owner, 1, 1));
    calm_down();
    owner_expect(&owner, "deposed settled@2 advanced@3 serving@4");
    sim_port_hold(owner.port, true);
    assert_true(owner_append(&owner, 2, 1));
    foreign_record(broker, 99, (struct log_fence){.term = 0, .seq = 1, .index = 1, .count = 1});
    foreign_record(broker, 99, (struct log_fence){.term = 1, .seq = 1, .index = 1, .count = 1});
    assert_true(owner_append(&owner, 3, 1));
    calm_down();
    owner_expect(&owner, "ack:2 ack:3");
    expect_history("apply:2 apply:3");
}

static void a_copy_of_an_own_record_changes_nothing(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    deliver(SIM_DELIVERED);
    sim_broker_copy(broker, OWNER_TOPIC, 0, 1);
    calm_down();
    owner_expect(&owner, "ack:1 ack:2");
    expect_history("apply:1 apply:2");
}

static void a_record_appended_twice_counts_once(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    deliver(SIM_DUPLICATED);
    calm_down();
    owner_expect(&owner, "ack:1 ack:2");
    expect_history("apply:1 apply:2");
}

static void an_offset_without_a_record_changes_nothing(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    deliver(SIM_DELIVERED);
    sim_broker_skip_offset(broker, OWNER_TOPIC, 0);
    calm_down();
    owner_expect(&owner, "ack:1 ack:2");
    sim_broker_skip_offset(broker, OWNER_TOPIC, 0);
    foreign_junk(broker);
    sim_broker_skip_offset(broker, OWNER_TOPIC, 0);
    assert_true(owner_append(&owner, 3, 1));
    owner_run(&owner);
    owner_expect(&owner, "ack:3");
    expect_history("apply:1 apply:2 apply:3");
}

/* Mutant "nogap": command 2 would be acknowledged, and no reader would ever see it. */
static void a_claim_in_between_deposes_and_what_came_before_it_counts(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    sim_port_hold_reports(owner.port, true);
    deliver(SIM_DELIVERED);
    foreign_claim(broker, OWNER_PARTITIONS);
    deliver(SIM_DELIVERED);
    sim_port_report(owner.port, 0);
    sim_port_hold_reports(owner.port, false);
    calm_down();
    owner_expect(&owner, "ack:1 deposed settled@3 advanced@4 serving@5");
    expect_history("apply:1 advanced@5");
}

static void a_commit_of_the_next_owner_in_between_deposes(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    int64_t term = foreign_claim(broker, OWNER_PARTITIONS);
    foreign_record(broker, 50, (struct log_fence){.term = term, .seq = 1, .index = 1, .count = 1});
    calm_down();
    owner_expect(&owner, "deposed settled@2 apply:50 advanced@4 serving@5");
    expect_history("apply:50 advanced@5");
}

static void a_forged_record_that_counts_deposes(void **unused)
{
    (void)unused;
    foreign_record(broker, 50, (struct log_fence){.term = 0, .seq = 1, .index = 1, .count = 1});
    assert_true(owner_append(&owner, 1, 1));
    calm_down();
    owner_expect(&owner, "deposed apply:50 advanced@3 settled@4 serving@4");
    expect_history("apply:50 advanced@4");
}

static void a_lost_report_is_settled_by_the_next_claim_exactly_once(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    deliver(SIM_DELIVERED);
    deliver(SIM_UNREPORTED);
    calm_down();
    owner_expect(&owner, "ack:1 deposed apply:2 settled@4 serving@4");
    assert_true(owner_append(&owner, 3, 1));
    owner_run(&owner);
    owner_expect(&owner, "ack:3");
    expect_history("apply:1 apply:2 apply:3");
}

static void a_lost_record_voids_what_was_decided_on_it(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    assert_true(owner_append(&owner, 3, 1));
    deliver(SIM_DELIVERED);
    deliver(SIM_LOST);
    calm_down();
    owner_expect(&owner, "ack:1 deposed advanced@3 settled@4 serving@4");
    expect_history("apply:1 advanced@4");
}

static void a_commit_cut_off_by_a_claim_is_void(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 3));
    deliver(SIM_DELIVERED);
    deliver(SIM_DELIVERED);
    foreign_claim(broker, OWNER_PARTITIONS);
    calm_down();
    owner_expect(&owner, "deposed settled@4 advanced@5 serving@6");
    expect_history("advanced@6");
}

static void a_claim_behind_the_own_one_overtakes_it(void **unused)
{
    (void)unused;
    log_partition_release(owner.partition);
    owner_turn(&owner);
    owner_expect(&owner, "deposed");
    log_partition_claim(owner.partition);
    sim_port_hold(owner.port, true);
    owner_turn(&owner);
    sim_port_hold_reports(owner.port, true);
    deliver(SIM_DELIVERED);
    foreign_claim(broker, OWNER_PARTITIONS);
    owner_turn(&owner);
    owner_expect(&owner, "advanced@3");
    assert_true(log_partition_is_claimed_elsewhere(owner.partition));
    sim_port_hold_reports(owner.port, false);
    calm_down();
    assert_false(log_partition_is_claimed_elsewhere(owner.partition));
    owner_expect(&owner, "serving@4");
}

static void who_takes_back_what_it_gave_up_claims_once(void **unused)
{
    (void)unused;
    log_partition_release(owner.partition);
    calm_down();
    owner_expect(&owner, "deposed");
    log_partition_claim(owner.partition);
    calm_down();
    owner_expect(&owner, "serving@2");
    assert_int_equal(sim_broker_end(broker, OWNER_TOPIC, 0), 2);
}

static void a_commit_that_lost_its_end_is_void(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 2));
    deliver(SIM_DELIVERED);
    deliver(SIM_LOST);
    calm_down();
    owner_expect(&owner, "deposed settled@3 serving@3");
    expect_history("advanced@3");
}

static void reports_out_of_order_are_not_believed(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    sim_port_hold_reports(owner.port, true);
    deliver(SIM_DELIVERED);
    deliver(SIM_DELIVERED);
    sim_port_report(owner.port, 1);
    owner_turn(&owner);
    owner_expect(&owner, "deposed apply:1 apply:2");
    sim_port_hold_reports(owner.port, false);
    calm_down();
    owner_expect(&owner, "settled@4 serving@4");
}

static void a_missing_report_is_noticed_by_the_one_behind_it(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    deliver(SIM_SILENT);
    calm_down();
    owner_expect(&owner, "deposed apply:1 apply:2 settled@4 serving@4");
}

static void late_reports_of_a_former_term_mean_nothing(void **unused)
{
    (void)unused;
    sim_port_hold_reports(owner.port, true);
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    assert_true(owner_append(&owner, 3, 1));
    deliver(SIM_UNREPORTED);
    deliver(SIM_DELIVERED);
    deliver(SIM_DELIVERED);
    sim_port_report(owner.port, 0);
    owner_turn(&owner);
    owner_expect(&owner, "deposed apply:1 apply:2 apply:3");
    sim_port_hold_reports(owner.port, false);
    calm_down();
    owner_expect(&owner, "settled@5 serving@5");
}

static void a_lost_producer_is_made_anew_and_its_late_records_are_void(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    deliver(SIM_SILENT);
    sim_port_lose_producer(owner.port);
    calm_down();
    owner_expect(&owner, "deposed apply:1 settled@3 serving@3");
    assert_true(sim_port_deliver_zombie(owner.port));
    assert_true(owner_append(&owner, 3, 1));
    owner_run(&owner);
    owner_expect(&owner, "ack:3");
    expect_history("apply:1 apply:3");
}

static void a_producer_lost_with_nothing_under_way_costs_no_claim(void **unused)
{
    (void)unused;
    sim_port_lose_producer(owner.port);
    owner_turn(&owner);
    assert_true(owner_append(&owner, 1, 1));
    calm_down();
    owner_expect(&owner, "ack:1");
}

/* Whoever does not want the partition any more learns the fate of its commits from the next owner's
 * claim. */
static void what_a_released_owner_left_open_is_decided_by_the_next_claim(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    log_partition_release(owner.partition);
    deliver(SIM_SILENT);
    deliver(SIM_LOST);
    calm_down();
    owner_expect(&owner, "deposed apply:1");
    foreign_claim(broker, OWNER_PARTITIONS);
    owner_run(&owner);
    owner_expect(&owner, "settled@3 advanced@3");
    assert_int_equal(log_partition_state(owner.partition), LOG_FOLLOWING);
}

static void a_claim_whose_report_is_lost_is_made_again(void **unused)
{
    struct log_owner_process other;

    (void)unused;
    owner_start(&other, broker, NULL);
    sim_port_hold(other.port, true);
    log_partition_claim(other.partition);
    owner_turn(&other);
    sim_port_deliver(other.port, SIM_ANY_SOURCE, SIM_UNREPORTED);
    sim_port_hold(other.port, false);
    owner_run(&other);
    owner_expect(&other, "advanced@1 advanced@2 serving@3");
    owner_stop(&other);
}

static void a_claim_whose_report_never_comes_is_made_again(void **unused)
{
    struct log_owner_process other;

    (void)unused;
    owner_start(&other, broker, NULL);
    sim_port_hold(other.port, true);
    log_partition_claim(other.partition);
    owner_turn(&other);
    sim_port_deliver(other.port, SIM_ANY_SOURCE, SIM_VANISHED);
    sim_port_hold(other.port, false);
    owner_run(&other);
    owner_expect(&other, "advanced@1");
    sim_broker_pass(broker, 11000000);
    owner_run(&other);
    owner_expect(&other, "serving@2");
    owner_stop(&other);
}

static void a_commit_whose_report_never_comes_is_settled_by_a_claim(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    deliver(SIM_SILENT);
    owner_run(&owner);
    owner_expect(&owner, "");
    sim_broker_pass(broker, 11000000);
    owner_run(&owner);
    owner_expect(&owner, "deposed apply:1");
    sim_broker_pass(broker, 1000000);
    calm_down();
    owner_expect(&owner, "settled@3 serving@3");
}

static void of_two_claimants_the_later_one_serves(void **unused)
{
    struct log_owner_process other;

    (void)unused;
    owner_start(&other, broker, NULL);
    sim_port_hold_messages(other.port, false);
    sim_port_hold_reports(other.port, true);
    log_partition_claim(other.partition);
    owner_turn(&other);
    assert_int_equal(log_partition_state(other.partition), LOG_CLAIMING);
    int64_t later = foreign_claim(broker, OWNER_PARTITIONS);
    owner_turn(&other);
    sim_port_hold_reports(other.port, false);
    owner_turn(&other);
    assert_int_equal(log_partition_state(other.partition), LOG_SETTLING);
    owner_run(&other);
    assert_int_equal(log_partition_state(other.partition), LOG_SERVING);
    assert_int_equal(log_partition_position(other.partition)->term, later + 1);
    owner_stop(&other);
}

static void a_gap_is_read_while_more_is_under_way(void **unused)
{
    (void)unused;
    for (int64_t number = 1; number <= 20; number++) {
        assert_true(owner_append(&owner, number, 1));
        deliver(SIM_DELIVERED);
        if (number % 5 == 0)
            foreign_junk(broker);
    }
    calm_down();
    owner_expect(&owner, "ack:1 ack:2 ack:3 ack:4 ack:5 ack:6 ack:7 ack:8 ack:9 ack:10 ack:11 "
                         "ack:12 ack:13 ack:14 ack:15 ack:16 ack:17 ack:18 ack:19 ack:20");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(junk_in_between_changes_nothing),
        TEST(junk_inside_a_commit_changes_nothing),
        TEST(appends_are_refused_while_a_gap_is_read),
        TEST(a_zombie_in_between_changes_nothing),
        TEST(a_copy_of_an_own_record_changes_nothing),
        TEST(a_record_appended_twice_counts_once),
        TEST(an_offset_without_a_record_changes_nothing),
        TEST(a_claim_in_between_deposes_and_what_came_before_it_counts),
        TEST(a_commit_of_the_next_owner_in_between_deposes),
        TEST(a_forged_record_that_counts_deposes),
        TEST(a_lost_report_is_settled_by_the_next_claim_exactly_once),
        TEST(a_lost_record_voids_what_was_decided_on_it),
        TEST(a_commit_cut_off_by_a_claim_is_void),
        TEST(a_claim_behind_the_own_one_overtakes_it),
        TEST(who_takes_back_what_it_gave_up_claims_once),
        TEST(a_commit_that_lost_its_end_is_void),
        TEST(reports_out_of_order_are_not_believed),
        TEST(a_missing_report_is_noticed_by_the_one_behind_it),
        TEST(late_reports_of_a_former_term_mean_nothing),
        TEST(a_lost_producer_is_made_anew_and_its_late_records_are_void),
        TEST(a_producer_lost_with_nothing_under_way_costs_no_claim),
        TEST(what_a_released_owner_left_open_is_decided_by_the_next_claim),
        TEST(a_claim_whose_report_is_lost_is_made_again),
        TEST(a_claim_whose_report_never_comes_is_made_again),
        TEST(a_commit_whose_report_never_comes_is_settled_by_a_claim),
        TEST(of_two_claimants_the_later_one_serves),
        TEST(a_gap_is_read_while_more_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
