/* Readers get whole valid commits, in order, each with the position behind it, and nothing else. */
#include "lib/log/reader.h"

#include "lib/log/platform.h"
#include "tests/lib/log_owner.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEPT_MAX 200

static struct sim_broker *broker;
static struct log_owner_process owner;
static struct log_port *port;
static struct log_reader *reader;
static char trace[OWNER_TRACE_SIZE]; /* "0:1*2" = source 0, number 1, two events */
static struct log_position last[2];
static const struct log_event *kept[KEPT_MAX]; /* of the commits of the last polls */
static size_t kept_count;

static void note(const char *format, ...) PRINTF_LIKE(1, 2);
static void note(const char *format, ...)
{
    size_t used = strlen(trace);
    va_list arguments;

    if (used > 0)
        trace[used++] = ' ';
    va_start(arguments, format);
    vsnprintf(trace + used, sizeof(trace) - used, format, arguments);
    va_end(arguments);
}

static void on_commit(void *self, int32_t source, const struct log_event *events, size_t count,
                      const struct log_position *after)
{
    (void)self;
    for (size_t i = 0; i < count; i++)
        assert_true(text_is(events[i].payload, "payload"));
    assert_int_equal(after->last_offset, events[count - 1].offset);
    note("%" PRId32 ":%" PRId64 "*%zu", source, events[0].version, count);
    last[source] = *after;
    if (kept_count < KEPT_MAX)
        kept[kept_count++] = events;
}

static void on_advanced(void *self, int32_t source, const struct log_position *after)
{
    (void)self;
    note("%" PRId32 "@%" PRId64, source, after->next);
    last[source] = *after;
}

static void on_stopped(void *self, int32_t source, const struct error *error)
{
    (void)self;
    note("%" PRId32 "!%s", source, fault_entry(error->fault)->code);
}

static void read_all(void)
{
    while (log_reader_poll(reader, 100, 10) > 0)
        continue;
}

static void expect(const char *expected)
{
    assert_string_equal(trace, expected);
    trace[0] = '\0';
}

static void attach(int32_t partition, const struct log_position *from)
{
    struct log_position beginning;
    int32_t source;

    log_position_start(&beginning);
    struct log_reading reading = {OWNER_TOPIC, partition, from == NULL ? &beginning : from};
    assert_true(log_reader_attach(reader, &reading, &source, NULL));
    assert_int_equal(source, partition);
}

static void open_reader(void)
{
    struct log_reader_handler handler = {
        .commit = on_commit,
        .advanced = on_advanced,
        .stopped = on_stopped,
    };

    port = sim_port_create(broker);
    reader = log_reader_create(port, &handler, OWNER_PARTITIONS, NULL);
    assert_non_null(reader);
    trace[0] = '\0';
    kept_count = 0;
}

static void close_reader(void)
{
    log_reader_destroy(reader);
    sim_port_destroy(port);
}

static int start(void **unused)
{
    (void)unused;
    broker = sim_broker_create(3);
    owner_start_serving(&owner, broker);
    open_reader();
    return 0;
}

static int finish(void **unused)
{
    (void)unused;
    close_reader();
    owner_stop(&owner);
    sim_broker_destroy(broker);
    return 0;
}

static void commits_come_whole_and_in_order(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 3));
    assert_true(owner_append(&owner, 3, LOG_COMMIT_RECORDS_MAX));
    attach(0, NULL);
    assert_false(log_reader_at_end(reader));
    read_all();
    expect("0:1*1 0:2*3 0:3*64");
    assert_true(log_reader_at_end(reader));
    assert_int_equal(log_reader_end(reader, 0), 69);
    assert_int_equal(log_reader_position(reader, 0)->next, 69);
    assert_int_equal(log_reader_statistics(reader)->events, 68);
    assert_int_equal(log_reader_statistics(reader)->platform, 1);
}

static void an_open_commit_is_waited_for_and_the_position_stays_before_it(void **unused)
{
    (void)unused;
    sim_port_hold(owner.port, true);
    assert_true(owner_append(&owner, 1, 3));
    attach(0, NULL);
    sim_port_deliver(owner.port, SIM_ANY_SOURCE, SIM_DELIVERED);
    foreign_junk(broker);
    read_all();
    sim_port_deliver(owner.port, SIM_ANY_SOURCE, SIM_DELIVERED);
    read_all();
    expect("0@1");
    assert_int_equal(log_reader_position(reader, 0)->next, 1);
    sim_port_hold(owner.port, false);
    read_all();
    expect("0:1*3");
    assert_int_equal(log_reader_position(reader, 0)->next, 5);
}

static void a_reader_restarted_inside_a_commit_reads_it_whole(void **unused)
{
    (void)unused;
    sim_port_hold(owner.port, true);
    assert_true(owner_append(&owner, 1, 2));
    attach(0, NULL);
    sim_port_deliver(owner.port, SIM_ANY_SOURCE, SIM_DELIVERED);
    read_all();
    struct log_position stored = *log_reader_position(reader, 0);
    close_reader();
    sim_port_hold(owner.port, false);
    open_reader();
    attach(0, &stored);
    read_all();
    expect("0:1*2");
}

static void what_a_claim_cuts_off_is_void(void **unused)
{
    (void)unused;
    sim_port_hold(owner.port, true);
    assert_true(owner_append(&owner, 1, 3));
    attach(0, NULL);
    sim_port_deliver(owner.port, SIM_ANY_SOURCE, SIM_DELIVERED);
    sim_port_deliver(owner.port, SIM_ANY_SOURCE, SIM_DELIVERED);
    read_all();
    foreign_claim(broker, OWNER_PARTITIONS);
    sim_port_deliver(owner.port, SIM_ANY_SOURCE, SIM_DELIVERED);
    read_all();
    expect("0@1 0@5");
    assert_int_equal(log_reader_statistics(reader)->voided, 3);
    assert_int_equal(log_reader_position(reader, 0)->term, 3);
    sim_port_hold(owner.port, false);
}

static void junk_zombies_and_copies_are_void(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    foreign_junk(broker);
    sim_broker_copy(broker, OWNER_TOPIC, 0, 1);
    foreign_record(broker, 9, (struct log_fence){.term = 5, .seq = 2, .index = 1, .count = 1});
    foreign_record(broker, 9, (struct log_fence){.term = 0, .seq = 3, .index = 1, .count = 1});
    assert_true(owner_append(&owner, 2, 1));
    attach(0, NULL);
    read_all();
    expect("0:1*1 0:2*1");
    assert_int_equal(log_reader_statistics(reader)->voided, 4);
}

static void every_position_is_one_to_go_on_from(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    foreign_junk(broker);
    assert_true(owner_append(&owner, 2, 2));
    foreign_claim(broker, OWNER_PARTITIONS);
    foreign_junk(broker);
    for (size_t records = 1; records <= 7; records++) {
        close_reader();
        open_reader();
        attach(0, NULL);
        assert_int_equal(log_reader_poll(reader, records, 0), records);
        struct log_position stored = *log_reader_position(reader, 0);
        attach(0, &stored);
        read_all();
        assert_null(strchr(trace, '!'));
        assert_int_equal(log_reader_position(reader, 0)->next, 7);
        const char *first = strstr(trace, "0:1*1"), *second = strstr(trace, "0:2*2");
        assert_true(first != NULL && strstr(first + 1, "0:1*1") == NULL);
        assert_true(second != NULL && strstr(second + 1, "0:2*2") == NULL);
    }
}

static void platform_records_move_the_position_and_are_not_delivered(void **unused)
{
    struct platform_entry barrier = {.kind = PLATFORM_BARRIER};
    struct platform_entry checkpoint = {.kind = PLATFORM_CHECKPOINT,
                                        .body = &(struct checkpoint){{0}}};

    (void)unused;
    assert_true(log_partition_append_platform(owner.partition, &barrier, 7, NULL));
    assert_true(log_partition_append_platform(owner.partition, &checkpoint, 8, NULL));
    owner_turn(&owner);
    owner_expect(&owner, "ack:7 ack:8");
    attach(0, NULL);
    read_all();
    expect("0@3");
    assert_int_equal(log_reader_statistics(reader)->platform, 3);
    assert_int_equal(log_reader_statistics(reader)->voided, 0);
    assert_int_equal(last[0].seq, 2);
}

static void one_partition_stops_and_the_others_go_on(void **unused)
{
    struct log_position elsewhere;

    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    log_position_start(&elsewhere);
    elsewhere.next = 8;
    elsewhere.last_offset = 7;
    elsewhere.term = 3;
    elsewhere.seq = 4;
    attach(0, NULL);
    attach(1, &elsewhere);
    read_all();
    expect("0:1*1");
    sim_broker_pass(broker, 1000000);
    read_all();
    expect("");
    sim_broker_pass(broker, 10000000);
    read_all();
    expect("1!log_truncated");
    assert_true(owner_append(&owner, 2, 1));
    read_all();
    expect("0:2*1");
}

static void a_reader_attached_again_starts_over(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    attach(0, NULL);
    read_all();
    attach(0, NULL);
    read_all();
    expect("0:1*1 0:1*1");
}

static void events_stay_until_the_next_poll(void **unused)
{
    (void)unused;
    for (int64_t number = 1; number <= KEPT_MAX; number++)
        assert_true(owner_append(&owner, number, 2));
    attach(0, NULL);
    assert_int_equal(log_reader_poll(reader, 10000, 0), 2 * KEPT_MAX + 1);
    assert_int_equal(kept_count, KEPT_MAX);
    for (size_t i = 0; i < kept_count; i++) {
        assert_int_equal(kept[i][1].version, i + 1);
        assert_true(text_is(kept[i][1].payload, "payload"));
        assert_true(text_is(kept[i][1].subject, "product-1"));
    }
}

static void a_poll_reads_no_more_than_it_was_asked_for(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 1));
    attach(0, NULL);
    assert_int_equal(log_reader_poll(reader, 2, 0), 2);
    expect("0:1*1");
    assert_int_equal(log_reader_poll(reader, 1, 0), 1);
    expect("0:2*1");
}

static struct log_position position_after(int64_t records)
{
    attach(0, NULL);
    assert_int_equal(log_reader_poll(reader, (size_t)records, 0), records);
    trace[0] = '\0';
    return *log_reader_position(reader, 0);
}

static void who_stands_further_on_is_passed_through(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    foreign_junk(broker);
    assert_true(owner_append(&owner, 2, 2));
    foreign_claim(broker, OWNER_PARTITIONS);
    for (int64_t records = 1; records <= 6; records++) {
        struct log_position ahead = position_after(records);
        attach(0, NULL);
        assert_true(log_reader_expect(reader, 0, &ahead, NULL));
        read_all();
        assert_null(strchr(trace, '!'));
        assert_int_equal(log_reader_position(reader, 0)->next, 6);
    }
}

static void who_stands_where_the_log_never_was_is_told(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    assert_true(owner_append(&owner, 2, 2));
    struct log_position position = position_after(2);
    struct log_position wrong[] = {position, position, position, position};
    wrong[0].seq++;
    wrong[1].log.bytes[0] ^= 1;
    wrong[2].next++; /* inside a commit */
    wrong[3].next = 9;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        trace[0] = '\0';
        attach(0, NULL);
        assert_true(log_reader_expect(reader, 0, &position, NULL));
        assert_true(log_reader_expect(reader, 0, &wrong[i], NULL));
        read_all();
        assert_non_null(strstr(trace, i == 3 ? "0!log_truncated" : "0!log_replaced"));
    }
}

/* A damaged row, or one written by hand. */
static void a_position_that_no_reader_leaves_is_refused(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    struct log_position position = position_after(2);
    int64_t wrong[] = {position.last_offset, 0, -1};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        trace[0] = '\0';
        position.next = wrong[i];
        attach(0, &position);
        read_all();
        assert_non_null(strstr(trace, "0!log_replaced"));
    }
}

static void a_detached_partition_is_not_read(void **unused)
{
    (void)unused;
    assert_true(owner_append(&owner, 1, 1));
    attach(0, NULL);
    log_reader_detach(reader, 0);
    read_all();
    expect("");
    attach(0, NULL);
    read_all();
    expect("0:1*1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commits_come_whole_and_in_order),
        TEST(an_open_commit_is_waited_for_and_the_position_stays_before_it),
        TEST(a_reader_restarted_inside_a_commit_reads_it_whole),
        TEST(what_a_claim_cuts_off_is_void),
        TEST(junk_zombies_and_copies_are_void),
        TEST(every_position_is_one_to_go_on_from),
        TEST(platform_records_move_the_position_and_are_not_delivered),
        TEST(one_partition_stops_and_the_others_go_on),
        TEST(a_reader_attached_again_starts_over),
        TEST(events_stay_until_the_next_poll),
        TEST(a_poll_reads_no_more_than_it_was_asked_for),
        TEST(who_stands_further_on_is_passed_through),
        TEST(who_stands_where_the_log_never_was_is_told),
        TEST(a_position_that_no_reader_leaves_is_refused),
        TEST(a_detached_partition_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
