/* Who serves what, as processes tell each other through the owners' topic. */
#include "lib/log/owners.h"

#include "lib/log/port.h"
#include "tests/support/sim_broker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PARTITIONS 4

/* A process that says and hears. */
struct speaker {
    struct log_port *port;
    struct owners *owners;
    int changes;
};

static const char *const contexts[] = {"catalog", "orders", NULL};
static const struct uuid first_log = {{1}}, second_log = {{2}};
static struct sim_broker *broker;
static struct speaker left, right;

static void count_change(void *user)
{
    ((struct speaker *)user)->changes++;
}

static void start(struct speaker *speaker, const char *address, uint8_t incarnation)
{
    struct owners_options options = {
        .contexts = contexts,
        .partition_count = PARTITIONS,
        .address = address,
        .incarnation = {{incarnation}},
        .changed = count_change,
        .user = speaker,
    };
    struct error error;

    *speaker = (struct speaker){.port = sim_port_create(broker)};
    speaker->owners = owners_create(speaker->port, &options, &error);
    assert_non_null(speaker->owners);
}

static void stop(struct speaker *speaker)
{
    assert_null(owners_destroy(speaker->owners));
    sim_port_destroy(speaker->port);
}

static int set_up(void **unused)
{
    (void)unused;
    broker = sim_broker_create(1);
    start(&left, "10.0.0.1:8081", 1);
    start(&right, "10.0.0.2:8081", 2);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    stop(&left);
    stop(&right);
    sim_broker_destroy(broker);
    return 0;
}

static void turn_all(void)
{
    while (owners_turn(left.owners) + owners_turn(right.owners) > 0)
        continue;
}

static void say(struct speaker *speaker, struct uuid log, int64_t term)
{
    struct log_position position = {.log = log, .term = term};

    owners_say(speaker->owners, "catalog", 1, &position);
}

static void expect(struct speaker *speaker, const char *address, int64_t term)
{
    struct owner owner;

    assert_true(owners_find(speaker->owners, "catalog", 1, &owner));
    assert_string_equal(owner.address, address);
    assert_int_equal(owner.term, term);
}

static void expect_nobody(struct speaker *speaker)
{
    struct owner owner;

    assert_false(owners_find(speaker->owners, "catalog", 1, &owner));
}

static int64_t topic_end(void)
{
    return sim_broker_end(broker, OWNERS_TOPIC, 0);
}

static void what_one_says_the_others_hear(void **unused)
{
    (void)unused;
    turn_all();
    expect_nobody(&right);
    say(&left, first_log, 7);
    assert_false(owners_settled(left.owners));
    turn_all();
    assert_true(owners_settled(left.owners));
    expect(&left, "10.0.0.1:8081", 7);
    expect(&right, "10.0.0.1:8081", 7);
    struct owner owner;
    assert_false(owners_find(right.owners, "catalog", 2, &owner));
    assert_false(owners_find(right.owners, "orders", 1, &owner));
}

static void who_hears_something_new_is_told(void **unused)
{
    (void)unused;
    turn_all();
    int before = right.changes;
    say(&left, first_log, 7);
    turn_all();
    assert_int_equal(right.changes, before + 1);
    turn_all();
    assert_int_equal(right.changes, before + 1);
}

static void it_is_known_that_nobody_serves_once_the_topic_was_read(void **unused)
{
    (void)unused;
    assert_false(owners_known(left.owners));
    turn_all();
    assert_true(owners_known(left.owners));
    expect_nobody(&left);
}

static void a_process_that_starts_later_reads_what_was_said(void **unused)
{
    struct speaker late;

    (void)unused;
    say(&left, first_log, 7);
    turn_all();
    start(&late, "10.0.0.3:8081", 3);
    while (owners_turn(late.owners) > 0)
        continue;
    expect(&late, "10.0.0.1:8081", 7);
    stop(&late);
}

static void a_former_process_at_this_address_serves_no_more(void **unused)
{
    struct speaker next;

    (void)unused;
    say(&left, first_log, 7);
    turn_all();
    start(&next, "10.0.0.1:8081", 3);
    while (owners_turn(next.owners) > 0)
        continue;
    expect_nobody(&next);
    expect(&right, "10.0.0.1:8081", 7);
    stop(&next);
}

static void the_newer_term_counts(void **unused)
{
    (void)unused;
    say(&left, first_log, 7);
    turn_all();
    say(&right, first_log, 9);
    turn_all();
    expect(&left, "10.0.0.2:8081", 9);
    expect(&right, "10.0.0.2:8081", 9);
}

static void an_older_term_behind_a_newer_one_is_put_right(void **unused)
{
    (void)unused;
    say(&right, first_log, 9);
    while (owners_turn(right.owners) > 0)
        continue;
    sim_port_hold_messages(left.port, true); /* it has not heard yet */
    say(&left, first_log, 7);
    turn_all();
    sim_port_hold_messages(left.port, false);
    turn_all();
    expect(&left, "10.0.0.2:8081", 9);
    expect(&right, "10.0.0.2:8081", 9);
    assert_int_equal(topic_end(), 3); /* a compacted topic keeps the last one: the owner's */
}

static void what_is_known_to_be_over_is_not_said(void **unused)
{
    (void)unused;
    say(&right, first_log, 9);
    turn_all();
    say(&left, first_log, 7);
    assert_true(owners_settled(left.owners));
    turn_all();
    expect(&left, "10.0.0.2:8081", 9);
    assert_int_equal(topic_end(), 1);
}

static void a_log_made_anew_starts_with_small_terms(void **unused)
{
    (void)unused;
    say(&left, first_log, 700);
    turn_all();
    say(&right, second_log, 0);
    turn_all();
    expect(&left, "10.0.0.2:8081", 0);
    expect(&right, "10.0.0.2:8081", 0);
}

static void who_gives_up_leaves_nobody(void **unused)
{
    (void)unused;
    say(&left, first_log, 7);
    turn_all();
    owners_withdraw(left.owners, "catalog", 1);
    turn_all();
    expect_nobody(&left);
    expect_nobody(&right);
    owners_withdraw(left.owners, "catalog", 1);
    turn_all();
    assert_int_equal(topic_end(), 2);
}

static void who_gives_up_after_another_took_over_says_nothing(void **unused)
{
    (void)unused;
    say(&left, first_log, 7);
    say(&right, first_log, 9);
    turn_all();
    int64_t end = topic_end();
    owners_withdraw(left.owners, "catalog", 1);
    turn_all();
    expect(&left, "10.0.0.2:8081", 9);
    expect(&right, "10.0.0.2:8081", 9);
    assert_int_equal(topic_end(), end);
}

static void what_got_lost_is_said_again(void **unused)
{
    (void)unused;
    sim_port_hold(left.port, true);
    say(&left, first_log, 7);
    turn_all();
    sim_port_deliver(left.port, SIM_ANY_SOURCE, SIM_LOST);
    turn_all();
    assert_false(owners_settled(left.owners));
    sim_port_lose_producer(left.port);
    turn_all();
    assert_false(owners_settled(left.owners));
    sim_port_hold(left.port, false);
    turn_all();
    assert_true(owners_settled(left.owners));
    expect(&right, "10.0.0.1:8081", 7);
}

static void junk_is_not_heard(void **unused)
{
    static const char *const keys[] = {"catalog/1", "catalog/x", "catalog",   "/",
                                       "catalog/9", "nothing/1", "catalog/-1"};
    static const char *const values[] = {
        "", "{}", "[]", "{\"address\":\"a:1\",\"incarnation\":\"x\",\"log\":\"y\",\"term\":1}"};

    (void)unused;
    say(&left, first_log, 7);
    turn_all();
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
        for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
            struct log_record record = {.key = text_of(keys[k]), .value = text_of(values[v])};
            (void)sim_broker_append(broker, OWNERS_TOPIC, 0, &record);
        }
    }
    struct log_record tombstone = {.key = TEXT("catalog/1")};
    (void)sim_broker_append(broker, OWNERS_TOPIC, 0, &tombstone);
    turn_all();
    expect(&left, "10.0.0.1:8081", 7);
    expect(&right, "10.0.0.1:8081", 7);
}

static void an_address_is_needed_and_bounded(void **unused)
{
    char address[OWNER_ADDRESS_SIZE + 1] = {0};
    struct owners_options options = {
        .contexts = contexts, .partition_count = PARTITIONS, .address = address};
    struct error error;

    (void)unused;
    assert_null(owners_create(left.port, &options, &error));
    assert_int_equal(error.fault, FAULT_CONFIG_INVALID);
    memset(address, 'a', OWNER_ADDRESS_SIZE);
    assert_null(owners_create(left.port, &options, &error));
    assert_int_equal(error.fault, FAULT_CONFIG_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_one_says_the_others_hear),
        TEST(who_hears_something_new_is_told),
        TEST(it_is_known_that_nobody_serves_once_the_topic_was_read),
        TEST(a_process_that_starts_later_reads_what_was_said),
        TEST(a_former_process_at_this_address_serves_no_more),
        TEST(the_newer_term_counts),
        TEST(an_older_term_behind_a_newer_one_is_put_right),
        TEST(what_is_known_to_be_over_is_not_said),
        TEST(a_log_made_anew_starts_with_small_terms),
        TEST(who_gives_up_leaves_nobody),
        TEST(who_gives_up_after_another_took_over_says_nothing),
        TEST(what_got_lost_is_said_again),
        TEST(junk_is_not_heard),
        TEST(an_address_is_needed_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
