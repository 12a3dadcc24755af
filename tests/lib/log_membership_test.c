/* Which partitions a process should own, as it hears from the group. */
#include "lib/log/membership.h"

#include "tests/support/sim_broker.h"
#include "tests/support/sim_group.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TOPICS     2
#define PARTITIONS 5
#define SESSION_US 2000000
#define STEP_US    100000

struct process {
    struct group_port *port;
    struct membership *membership;
    int changes;
};

static struct sim_broker *broker;
static struct sim_group *group;
static struct process processes[3];

static void count_change(void *user)
{
    ((struct process *)user)->changes++;
}

static void start(struct process *process, const char *name)
{
    struct membership_options options = {
        .topic_count = TOPICS,
        .partition_count = PARTITIONS,
        .session_timeout_us = SESSION_US,
        .changed = count_change,
        .user = process,
    };
    struct error error;

    *process = (struct process){.port = sim_member_create(group, name)};
    process->membership = membership_create(process->port, &options, &error);
    assert_non_null(process->membership);
}

static void crash(struct process *process)
{
    if (process->port == NULL)
        return;
    assert_null(membership_destroy(process->membership));
    sim_member_destroy(process->port);
    *process = (struct process){0};
}

static int set_up(void **unused)
{
    (void)unused;
    broker = sim_broker_create(1);
    group = sim_group_create(broker, TOPICS, PARTITIONS, SESSION_US);
    start(&processes[0], "a:1");
    start(&processes[1], "b:1");
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++)
        crash(&processes[i]);
    sim_group_destroy(group);
    sim_broker_destroy(broker);
    return 0;
}

/* One step of all processes but `sleeper`. */
static void step(const struct process *sleeper)
{
    sim_broker_pass(broker, STEP_US);
    for (int i = 0; i < 3; i++)
        if (processes[i].port != NULL && &processes[i] != sleeper)
            (void)membership_turn(processes[i].membership);
}

static void run(int64_t duration_us, const struct process *sleeper)
{
    for (int64_t passed_us = 0; passed_us < duration_us; passed_us += STEP_US)
        step(sleeper);
}

static void run_all(void)
{
    run(5 * STEP_US, NULL);
}

/* "hh..." : the partitions here (h), elsewhere (.), unknown (?); the same in every topic. */
static void expect(const struct process *process, const char *expected)
{
    for (int topic = 0; topic < TOPICS; topic++) {
        char found[PARTITIONS + 1] = {0};
        for (int32_t i = 0; i < PARTITIONS; i++)
            found[i] = " ?h."[membership_standing(process->membership, topic, i).assignment];
        assert_string_equal(found, expected);
    }
}

static void join_both(void)
{
    membership_join(processes[0].membership);
    membership_join(processes[1].membership);
    run_all();
}

static void nothing_is_known_before_joining(void **unused)
{
    (void)unused;
    run_all();
    expect(&processes[0], "?????");
    assert_false(membership_is_alone(processes[0].membership));
}

static void who_is_alone_gets_all(void **unused)
{
    (void)unused;
    membership_join(processes[0].membership);
    run_all();
    expect(&processes[0], "hhhhh");
    assert_true(membership_is_alone(processes[0].membership));
    assert_true(processes[0].changes > 0);
}

static void two_share_in_the_order_of_their_names(void **unused)
{
    (void)unused;
    membership_join(processes[1].membership);
    run_all();
    expect(&processes[1], "hhhhh");
    membership_join(processes[0].membership);
    run_all();
    expect(&processes[0], "hhh..");
    expect(&processes[1], "...hh");
    assert_false(membership_is_alone(processes[1].membership));
}

static void while_shares_are_dealt_anew_nothing_is_certain(void **unused)
{
    (void)unused;
    membership_join(processes[0].membership);
    run_all();
    membership_join(processes[1].membership);
    (void)membership_turn(processes[1].membership);
    expect(&processes[0], "hhhhh"); /* not heard yet */
    expect(&processes[1], "...hh");
    run_all();
    expect(&processes[0], "hhh..");
}

static void a_dead_members_share_is_dealt_after_its_session(void **unused)
{
    (void)unused;
    join_both();
    crash(&processes[0]);
    run(SESSION_US - STEP_US, NULL);
    expect(&processes[1], "...hh");
    run(3 * STEP_US, NULL);
    expect(&processes[1], "hhhhh");
}

static void who_comes_back_under_its_name_finds_its_share_at_once(void **unused)
{
    (void)unused;
    join_both();
    int64_t since_us = membership_standing(processes[1].membership, 0, 4).since_boot_us;
    crash(&processes[0]);
    step(NULL);
    start(&processes[0], "a:1");
    membership_join(processes[0].membership);
    step(NULL);
    expect(&processes[0], "hhh..");
    expect(&processes[1], "...hh");
    assert_int_equal(membership_standing(processes[1].membership, 0, 4).since_boot_us, since_us);
}

static void who_slept_longer_than_its_session_believes_nothing(void **unused)
{
    (void)unused;
    join_both();
    sim_member_hold(processes[0].port, true); /* its connection wakes later than it does */
    run(SESSION_US + 2 * STEP_US, &processes[0]);
    expect(&processes[1], "hhhhh");
    expect(&processes[0], "hhh.."); /* asleep: nobody asks it */
    step(NULL);
    expect(&processes[0], "?????");
    sim_member_hold(processes[0].port, false);
    step(NULL);
    run_all();
    expect(&processes[0], "hhh..");
    expect(&processes[1], "...hh");
}

static void who_slept_unnoticed_believes_again_after_a_while(void **unused)
{
    (void)unused;
    join_both();
    sim_member_hold(processes[0].port, true);
    sim_member_hold(processes[1].port, true);
    sim_broker_pass(broker, SESSION_US); /* the whole machine slept, the group with it */
    step(NULL);
    expect(&processes[0], "?????");
    run(SESSION_US - STEP_US, NULL);
    expect(&processes[0], "?????");
    run(2 * STEP_US, NULL);
    expect(&processes[0], "hhh..");
}

static void a_short_sleep_changes_nothing(void **unused)
{
    (void)unused;
    join_both();
    run(SESSION_US - 3 * STEP_US, &processes[0]);
    step(NULL);
    expect(&processes[0], "hhh..");
}

static void what_is_left_is_left_for_good(void **unused)
{
    (void)unused;
    join_both();
    membership_leave(processes[0].membership);
    (void)membership_turn(processes[0].membership);
    expect(&processes[0], "?????");
    run_all();
    expect(&processes[1], "hhhhh");
    membership_join(processes[0].membership);
    run_all();
    expect(&processes[0], "?????");
    expect(&processes[1], "hhhhh");
}

static void an_assignment_is_as_old_as_its_last_confirmation(void **unused)
{
    (void)unused;
    membership_join(processes[0].membership);
    run_all();
    int64_t first_us = membership_standing(processes[0].membership, 0, 0).since_boot_us;
    run_all();
    assert_int_equal(membership_standing(processes[0].membership, 0, 0).since_boot_us, first_us);
    membership_join(processes[1].membership);
    run_all();
    assert_true(membership_standing(processes[0].membership, 0, 0).since_boot_us > first_us);
}

static void a_second_process_of_the_name_takes_the_place(void **unused)
{
    (void)unused;
    join_both();
    start(&processes[2], "a:1");
    membership_join(processes[2].membership);
    run_all();
    expect(&processes[2], "hhh..");
    expect(&processes[0], "?????");
    assert_true(membership_is_fenced(processes[0].membership));
    assert_false(membership_is_fenced(processes[2].membership));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_known_before_joining),
        TEST(who_is_alone_gets_all),
        TEST(two_share_in_the_order_of_their_names),
        TEST(while_shares_are_dealt_anew_nothing_is_certain),
        TEST(a_dead_members_share_is_dealt_after_its_session),
        TEST(who_comes_back_under_its_name_finds_its_share_at_once),
        TEST(who_slept_longer_than_its_session_believes_nothing),
        TEST(who_slept_unnoticed_believes_again_after_a_while),
        TEST(a_short_sleep_changes_nothing),
        TEST(what_is_left_is_left_for_good),
        TEST(an_assignment_is_as_old_as_its_last_confirmation),
        TEST(a_second_process_of_the_name_takes_the_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
