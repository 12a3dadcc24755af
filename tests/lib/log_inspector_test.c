/* Tools see every record, with the verdict that readers come to, and the reason. */
#include "lib/log/inspector.h"

#include "tests/lib/log_owner.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct sim_broker *broker;
static struct log_owner_process owner;
static struct log_port *port;
static struct log_inspector *inspector;
static char trace[8192]; /* "1:event 2:malformed" */

static void note(int64_t offset, const char *what)
{
    size_t used = strlen(trace);

    assert_true(used + 40 < sizeof(trace));
    snprintf(trace + used, sizeof(trace) - used, "%s%" PRId64 ":%s", used > 0 ? " " : "", offset,
             what);
}

static void on_record(void *self, const struct log_inspection *inspection)
{
    (void)self;
    assert_true((inspection->event == NULL) == (inspection->verdict == RECORD_MALFORMED));
    assert_true((inspection->claim != NULL) == (inspection->verdict == RECORD_CLAIM));
    if (inspection->verdict == RECORD_EVENT) {
        assert_true(inspection->commit_offset >= inspection->message->offset);
        assert_true(uuid_equal(inspection->log, &log_partition_position(owner.partition)->log));
    }
    note(inspection->message->offset, record_verdict_entry(inspection->verdict)->name);
}

static void on_stopped(void *self, int32_t source, const struct error *error)
{
    (void)self, (void)source;
    note(-1, fault_entry(error->fault)->code);
}

static int start(void **unused)
{
    const struct log_inspector_handler handler = {.record = on_record, .stopped = on_stopped};

    (void)unused;
    broker = sim_broker_create(5);
    owner_start_serving(&owner, broker);
    port = sim_port_create(broker);
    inspector = log_inspector_create(port, &handler, NULL);
    assert_non_null(inspector);
    trace[0] = '\0';
    return 0;
}

static int finish(void **unused)
{
    (void)unused;
    log_inspector_destroy(inspector);
    sim_port_destroy(port);
    owner_stop(&owner);
    sim_broker_destroy(broker);
    return 0;
}

static void inspect(int64_t from, int64_t until)
{
    struct log_inspecting inspecting = {.topic = OWNER_TOPIC, .from = from, .until = until};
    int32_t source;

    assert_true(log_inspector_attach(inspector, &inspecting, &source, NULL));
    for (int i = 0; i < 1000 && !log_inspector_at_end(inspector); i++)
        (void)log_inspector_poll(inspector, 10);
}

static void inspect_all(void)
{
    inspect(0, sim_broker_end(broker, OWNER_TOPIC, 0));
    assert_true(log_inspector_at_end(inspector));
}

static void expect(const char *expected)
{
    assert_string_equal(trace, expected);
    trace[0] = '\0';
}

static void every_void_record_has_its_reason(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    foreign_junk(broker);
    sim_broker_copy(broker, OWNER_TOPIC, 0, 1);
    foreign_record(broker, 9, (struct log_fence){.term = 5, .seq = 2, .index = 1, .count = 1});
    foreign_record(broker, 9, (struct log_fence){.term = 0, .seq = 3, .index = 1, .count = 1});
    foreign_record(broker, 9, (struct log_fence){.term = 0, .seq = 2, .index = 2, .count = 2});
    assert_true(owner_append(&owner, 2, 2));
    inspect_all();
    expect("0:claim 1:event 2:malformed 3:repeated 4:foreign_term 5:ahead 6:misnumbered "
           "7:event 8:event");
}

static void before_the_first_claim_nothing_counts(void **unused)
{
    (void)unused;
    sim_broker_recreate(broker, OWNER_TOPIC, 0);
    foreign_record(broker, 1, (struct log_fence){.term = 0, .seq = 1, .index = 1, .count = 1});
    foreign_claim(broker, OWNER_PARTITIONS);
    inspect_all();
    expect("0:unclaimed 1:claim");
}

static void a_claim_cuts_off_what_was_not_complete(void **unused)
{
    (void)unused;
    foreign_record(broker, 1, (struct log_fence){.term = 0, .seq = 1, .index = 1, .count = 3});
    foreign_record(broker, 1, (struct log_fence){.term = 0, .seq = 2, .index = 2, .count = 3});
    foreign_claim(broker, OWNER_PARTITIONS);
    inspect_all();
    expect("0:claim 1:cut_off 2:cut_off 3:claim");
}

static void a_commit_whose_end_is_missing_is_unfinished(void **unused)
{
    (void)unused;
    foreign_record(broker, 1, (struct log_fence){.term = 0, .seq = 1, .index = 1, .count = 2});
    inspect_all();
    expect("0:claim 1:unfinished");
}

static void the_middle_of_a_log_is_judged_as_the_whole_is(void **unused)
{
    (void)unused;
    for (int64_t number = 1; number <= 3000; number++)
        assert_true(owner_append(&owner, number, 1));
    foreign_claim(broker, OWNER_PARTITIONS);
    foreign_junk(broker);
    foreign_record(broker, 1, (struct log_fence){.term = 3001, .seq = 1, .index = 1, .count = 1});
    inspect(3000, 3004);
    expect("3000:event 3001:claim 3002:malformed 3003:event");
    assert_true(log_inspector_at_end(inspector));
}

static void a_commit_that_began_before_is_shown_from_there_on(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 3));
    inspect(2, 4);
    expect("2:event 3:event");
}

static void where_nothing_is_wanted_nothing_is_read(void **unused)
{
    (void)unused;
    inspect(1, 1);
    assert_true(log_inspector_at_end(inspector));
    expect("");
}

static void who_follows_sees_what_comes(void **unused)
{
    (void)unused;
    inspect(0, LOG_OFFSET_NONE);
    expect("0:claim");
    assert_true(owner_append(&owner, 1, 1));
    owner_run(&owner);
    while (log_inspector_poll(inspector, 10) > 0)
        continue;
    expect("1:event");
    assert_false(log_inspector_at_end(inspector));
}

static void offsets_without_a_record_are_counted(void **unused)
{
    (void)unused;
    sim_broker_skip_offset(broker, OWNER_TOPIC, 0);
    foreign_junk(broker);
    inspect_all();
    expect("0:claim 2:malformed");
    assert_int_equal(log_inspector_missing(inspector), 1);
}

static void a_partition_that_retention_passed_stops(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 2));
    sim_broker_retain(broker, OWNER_TOPIC, 0, 2);
    inspect_all();
    expect("-1:log_truncated");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_void_record_has_its_reason),
        TEST(before_the_first_claim_nothing_counts),
        TEST(a_claim_cuts_off_what_was_not_complete),
        TEST(a_commit_whose_end_is_missing_is_unfinished),
        TEST(the_middle_of_a_log_is_judged_as_the_whole_is),
        TEST(a_commit_that_began_before_is_shown_from_there_on),
        TEST(where_nothing_is_wanted_nothing_is_read),
        TEST(who_follows_sees_what_comes),
        TEST(offsets_without_a_record_are_counted),
        TEST(a_partition_that_retention_passed_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
