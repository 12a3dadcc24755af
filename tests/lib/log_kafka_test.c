/* Writer and reader against a real broker, whose address is in SIJANG_TEST_KAFKA. Skipped, and seen
 * to be, without one. */
#include "lib/core/clock.h"
#include "lib/log/kafka_port.h"
#include "lib/log/port.h"
#include "lib/log/reader.h"
#include "lib/log/topics.h"
#include "lib/log/writer.h"
#include "tests/support/log_foreigner.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PARTITIONS      8
#define APPENDS         20000
#define OUTSTANDING_MAX 256
#define PATIENCE_US     INT64_C(60000000)
#define TOPIC_NAME_SIZE 64

static const char *brokers;
static char topic[TOPIC_NAME_SIZE];

struct shard {
    struct log_port *port;
    struct log_writer *writer;
    struct log_partition *partitions[PARTITIONS];
    int64_t appended, acknowledged, applied, deposed;
    int serving;
    int64_t next_token[PARTITIONS]; /* that must be acknowledged next */
};

static bool on_apply(void *self, struct log_partition *partition, const struct log_event *events,
                     size_t count, const struct log_position *after, struct error *error)
{
    struct shard *shard = self;
    int64_t *next = log_partition_user(partition);

    (void)events;
    (void)after;
    (void)error;
    *next += 1;
    shard->applied += (int64_t)count;
    return true;
}

static void on_advanced(void *self, struct log_partition *partition,
                        const struct log_position *after)
{
    (void)self;
    (void)partition;
    (void)after;
}

static void on_serving(void *self, struct log_partition *partition, const struct log_position *at)
{
    struct shard *shard = self;

    (void)partition;
    (void)at;
    shard->serving++;
}

static void on_acknowledged(void *self, struct log_partition *partition, uint64_t token,
                            const struct log_position *after)
{
    struct shard *shard = self;
    int64_t *next = log_partition_user(partition);

    assert_int_equal(token, *next);
    assert_int_equal(after->next, after->last_offset + 1);
    *next += 1;
    shard->acknowledged++;
}

static void on_deposed(void *self, struct log_partition *partition)
{
    struct shard *shard = self;

    (void)partition;
    shard->deposed++;
    shard->serving--;
}

static struct log_port *open_port(bool producer)
{
    struct kafka_port_options options = {
        .brokers = brokers,
        .client_id = "log-kafka-test",
        .producer = producer,
        .queued_bytes_max = (size_t)64 * 1024 * 1024,
        .fetched_bytes_max = (size_t)16 * 1024 * 1024,
    };
    struct log_port *port = kafka_port_create(&options, NULL);

    assert_non_null(port);
    return port;
}

static void shard_start(struct shard *shard)
{
    struct log_writer_options options = {
        .partition_count = PARTITIONS,
        .incarnation = uuid_v7(),
        .settle_backoff_us_min = 5000,
        .settle_backoff_us_max = 200000,
    };
    struct log_owner owner = {
        .self = shard,
        .apply = on_apply,
        .advanced = on_advanced,
        .serving = on_serving,
        .acknowledged = on_acknowledged,
        .deposed = on_deposed,
    };
    struct log_position beginning;

    *shard = (struct shard){.port = open_port(true)};
    shard->writer = log_writer_create(shard->port, &owner, &options, NULL);
    assert_non_null(shard->writer);
    log_position_start(&beginning);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        struct log_attachment attachment = {topic, i, &beginning, &shard->next_token[i]};
        assert_true(log_writer_attach(shard->writer, &attachment, &shard->partitions[i], NULL));
        log_partition_claim(shard->partitions[i]);
    }
}

static void shard_stop(struct shard *shard)
{
    log_writer_destroy(shard->writer);
    kafka_port_destroy(shard->port);
}

static void turn(struct shard *shard, int64_t deadline_us)
{
    if (log_writer_turn(shard->writer) == 0)
        log_writer_wait(shard->writer, 1000);
    for (int32_t i = 0; i < PARTITIONS; i++)
        if (log_partition_state(shard->partitions[i]) == LOG_STOPPED)
            fail_msg("partition %d: %s", i, log_partition_error(shard->partitions[i])->detail);
    if (clock_boot_us() > deadline_us)
        fail_msg("nothing more happens: serving %d, acknowledged %" PRId64, shard->serving,
                 shard->acknowledged);
}

static void wait_serving(struct shard *shard)
{
    int64_t deadline_us = clock_boot_us() + PATIENCE_US;

    while (shard->serving < PARTITIONS)
        turn(shard, deadline_us);
}

static struct log_event make_event(int64_t number)
{
    static const struct uuid command = {.bytes = {7}};
    static char payload[100];

    return (struct log_event){
        .key = TEXT("01890000-0000-7000-8000-000000000001"),
        .id = command,
        .type = TEXT("sijang.catalog.PriceChanged"),
        .source = TEXT("/catalog/product"),
        .subject = TEXT("01890000-0000-7000-8000-000000000001"),
        .time_us = clock_wall_us(),
        .version = number + 1,
        .command_id = command,
        .request_hash = {1},
        .correlation_id = command,
        .causation_id = command,
        .actor = TEXT("01890000-0000-7000-8000-000000000002"),
        .trace = {.trace_id = {1}, .span_id = {1}},
        .payload = {.bytes = payload, .size = sizeof(payload)},
    };
}

/* Appends to each partition in turn, versions 1, 2, 3 … in each. */
static void append_all(struct shard *shard, int64_t count, int64_t outstanding_max)
{
    int64_t deadline_us = clock_boot_us() + PATIENCE_US, first = shard->appended;

    while (shard->acknowledged < first + count) {
        while (shard->appended < first + count &&
               shard->appended - shard->acknowledged < outstanding_max) {
            int64_t number = shard->appended / PARTITIONS;
            struct log_event event = make_event(number);
            if (!log_partition_append(shard->partitions[shard->appended % PARTITIONS], &event, 1,
                                      (uint64_t)number, NULL))
                break;
            shard->appended++;
        }
        turn(shard, deadline_us);
    }
}

struct audience {
    int64_t versions[PARTITIONS]; /* read so far */
    int64_t events;
    int stopped;
};

static void on_commit(void *self, int32_t source, const struct log_event *events, size_t count,
                      const struct log_position *after)
{
    struct audience *audience = self;

    assert_int_equal(after->next, events[count - 1].offset + 1);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(events[i].version, audience->versions[source] + 1);
        audience->versions[source]++;
        audience->events++;
    }
}

static void on_moved(void *self, int32_t source, const struct log_position *after)
{
    (void)self;
    (void)source;
    (void)after;
}

static void on_stopped(void *self, int32_t source, const struct error *error)
{
    struct audience *audience = self;

    print_message("source %" PRId32 " stopped: %s\n", source, error->detail);
    audience->stopped++;
}

static struct log_reader *open_reader(struct log_port *port, struct audience *audience)
{
    struct log_reader_handler handler = {
        .self = audience,
        .commit = on_commit,
        .advanced = on_moved,
        .stopped = on_stopped,
    };
    struct log_reader *reader = log_reader_create(port, &handler, PARTITIONS, NULL);

    assert_non_null(reader);
    return reader;
}

static void attach_all(struct log_reader *reader, const struct log_position *from)
{
    struct log_position beginning;
    int32_t source;

    log_position_start(&beginning);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        struct log_reading reading = {topic, i, from == NULL ? &beginning : &from[i]};
        assert_true(log_reader_attach(reader, &reading, &source, NULL));
        assert_int_equal(source, i);
    }
}

static void read_to(struct log_reader *reader, const struct audience *audience, int64_t events)
{
    int64_t deadline_us = clock_boot_us() + PATIENCE_US;

    while (audience->events < events || !log_reader_at_end(reader)) {
        log_reader_poll(reader, 10000, 100);
        assert_int_equal(audience->stopped, 0);
        if (clock_boot_us() > deadline_us)
            fail_msg("read only %" PRId64, audience->events);
    }
}

static struct log_port *open_little_room(void)
{
    const struct kafka_port_options options = {
        .brokers = brokers,
        .client_id = "log-kafka-test",
        .fetched_bytes_max = (size_t)16 * 1024 * 1024,
        .fetched_records_max = 200,
        .fetch_bytes_max = (size_t)16 * 1024,
    };
    struct log_port *port = kafka_port_create(&options, NULL);

    assert_non_null(port);
    return port;
}

/* The consumer's thread is in the middle of an answer then, or about to be. */
static void end_while_records_arrive(int times)
{
    for (int i = 0; i < times; i++) {
        struct audience audience = {.events = 0};
        struct log_port *port = open_little_room();
        struct log_reader *reader = open_reader(port, &audience);
        attach_all(reader, NULL);
        while (audience.events == 0)
            log_reader_poll(reader, 1, 100);
        log_reader_destroy(reader);
        kafka_port_destroy(port);
    }
}

/* Were the consumer not woken as soon as there is room again, each of a hundred fetches would wait
 * for a second: more than the patience of read_to. */
static void read_back_in_little_room(int64_t events)
{
    struct log_port *port = open_little_room();
    struct audience audience = {.events = 0};

    struct log_reader *reader = open_reader(port, &audience);
    attach_all(reader, NULL);
    read_to(reader, &audience, events);
    assert_int_equal(audience.events, events);
    log_reader_destroy(reader);
    kafka_port_destroy(port);
}

static void all_appends_are_acknowledged_and_read_back(void **unused)
{
    struct shard shard;
    struct audience audience = {.events = 0};

    (void)unused;
    int64_t start_us = clock_boot_us();
    shard_start(&shard);
    wait_serving(&shard);
    print_message("serving %d partitions after %" PRId64 " us\n", PARTITIONS,
                  clock_boot_us() - start_us);
    start_us = clock_boot_us();
    append_all(&shard, APPENDS, OUTSTANDING_MAX);
    print_message("%d appends, %" PRId64 " per s\n", APPENDS,
                  APPENDS * INT64_C(1000000) / (clock_boot_us() - start_us));
    assert_int_equal(shard.deposed, 0);
    assert_int_equal(shard.applied, 0);
    shard_stop(&shard);

    struct log_port *port = open_port(false);
    struct log_reader *reader = open_reader(port, &audience);
    start_us = clock_boot_us();
    attach_all(reader, NULL);
    read_to(reader, &audience, APPENDS);
    print_message("%d reads, %" PRId64 " per s\n", APPENDS,
                  APPENDS * INT64_C(1000000) / (clock_boot_us() - start_us));
    assert_int_equal(audience.events, APPENDS);
    assert_int_equal(log_reader_statistics(reader)->voided, 0);
    assert_int_equal(log_reader_statistics(reader)->platform, PARTITIONS);
    assert_true(log_reader_connected(reader));
    log_reader_destroy(reader);
    kafka_port_destroy(port);
    read_back_in_little_room(APPENDS);
    end_while_records_arrive(30);
}

static void a_reader_goes_on_from_its_stored_positions(void **unused)
{
    struct shard shard;
    struct audience audience = {.events = 0};
    struct log_position stored[PARTITIONS];

    (void)unused;
    shard_start(&shard);
    wait_serving(&shard);
    append_all(&shard, 800, 64);
    for (int32_t i = 0; i < PARTITIONS; i++)
        stored[i] = *log_partition_position(shard.partitions[i]);
    append_all(&shard, 800, 64);

    struct log_port *port = open_port(false);
    struct log_reader *reader = open_reader(port, &audience);
    for (int32_t i = 0; i < PARTITIONS; i++)
        audience.versions[i] = 100;
    attach_all(reader, stored);
    read_to(reader, &audience, 800);
    assert_int_equal(audience.events, 800);
    append_all(&shard, 80, 8);
    read_to(reader, &audience, 880);
    log_reader_destroy(reader);
    kafka_port_destroy(port);
    shard_stop(&shard);
}

static void a_new_owner_takes_over_and_the_old_one_notices(void **unused)
{
    struct shard old, new;
    int64_t deadline_us = clock_boot_us() + PATIENCE_US;

    (void)unused;
    shard_start(&old);
    wait_serving(&old);
    append_all(&old, 800, 64);
    shard_start(&new);
    wait_serving(&new);
    assert_int_equal(new.applied, 800);

    for (int32_t i = 0; i < PARTITIONS; i++) {
        struct log_event event = make_event(1000);
        log_partition_release(new.partitions[i]);
        assert_true(log_partition_append(old.partitions[i], &event, 1, 100, NULL));
    }
    while (old.deposed < PARTITIONS || old.serving < PARTITIONS)
        turn(&old, deadline_us);
    assert_int_equal(old.acknowledged, 800);
    assert_int_equal(old.applied, 0);
    shard_stop(&new);
    shard_stop(&old);
}

static void a_foreign_record_is_crossed_without_a_new_claim(void **unused)
{
    struct shard shard;
    struct audience audience = {.events = 0};

    (void)unused;
    shard_start(&shard);
    wait_serving(&shard);
    append_all(&shard, 80, 8);
    for (int32_t i = 0; i < PARTITIONS; i++)
        foreigner_append(brokers, topic, i, "junk");
    append_all(&shard, 80, 8);
    assert_int_equal(shard.deposed, 0);
    shard_stop(&shard);

    struct log_port *port = open_port(false);
    struct log_reader *reader = open_reader(port, &audience);
    attach_all(reader, NULL);
    read_to(reader, &audience, 160);
    assert_int_equal(log_reader_statistics(reader)->voided, PARTITIONS);
    log_reader_destroy(reader);
    kafka_port_destroy(port);
}

static void break_producer_under_load(struct shard *shard, int64_t outstanding)
{
    for (int64_t i = 0; i < outstanding; i++) {
        for (int32_t p = 0; p < PARTITIONS; p++) {
            int64_t number = shard->next_token[p] + i;
            struct log_event event = make_event(number);
            assert_true(
                log_partition_append(shard->partitions[p], &event, 1, (uint64_t)number, NULL));
        }
    }
    foreigner_break_producer(shard->port);
}

static void a_fatal_producer_error_costs_a_claim_and_no_restart(void **unused)
{
    struct shard shard;
    struct audience audience = {.events = 0};
    int64_t deadline_us = clock_boot_us() + PATIENCE_US;

    (void)unused;
    shard_start(&shard);
    wait_serving(&shard);
    for (int round = 1; round <= 3; round++) {
        int64_t start_us = clock_boot_us();
        break_producer_under_load(&shard, 100);
        while (shard.deposed < PARTITIONS * round || shard.serving < PARTITIONS)
            turn(&shard, deadline_us);
        print_message("serving again after %" PRId64 " us, acknowledged %" PRId64
                      ", found in the log %" PRId64 "\n",
                      clock_boot_us() - start_us, shard.acknowledged, shard.applied);
    }
    int64_t certain = shard.acknowledged + shard.applied;
    shard_stop(&shard);

    struct log_port *port = open_port(false);
    struct log_reader *reader = open_reader(port, &audience);
    attach_all(reader, NULL);
    read_to(reader, &audience, certain);
    assert_int_equal(audience.events, certain);
    log_reader_destroy(reader);
    kafka_port_destroy(port);
}

static void a_position_of_another_log_is_refused(void **unused)
{
    struct shard shard;
    struct audience audience = {.events = 0};
    struct log_position stored[PARTITIONS];
    int64_t deadline_us = clock_boot_us() + PATIENCE_US;

    (void)unused;
    shard_start(&shard);
    wait_serving(&shard);
    append_all(&shard, 80, 8);
    for (int32_t i = 0; i < PARTITIONS; i++)
        stored[i] = *log_partition_position(shard.partitions[i]);
    shard_stop(&shard);
    for (int32_t i = 0; i < PARTITIONS; i += 2)
        stored[i].log = uuid_v7();
    for (int32_t i = 1; i < PARTITIONS; i += 2) {
        stored[i].next += 100;
        stored[i].last_offset += 100;
    }
    struct log_port *port = open_port(false);
    struct log_reader *reader = open_reader(port, &audience);
    attach_all(reader, stored);
    while (audience.stopped < PARTITIONS && clock_boot_us() < deadline_us)
        log_reader_poll(reader, 1000, 100);
    assert_int_equal(audience.stopped, PARTITIONS);
    assert_int_equal(audience.events, 0);
    log_reader_destroy(reader);
    kafka_port_destroy(port);
}

static void a_topic_that_exists_is_compared(void **unused)
{
    struct log_topic_options options = {.partition_count = PARTITIONS, .replication_factor = 1};
    const char *names[] = {topic};
    struct error error;

    (void)unused;
    assert_true(log_topics_create(brokers, names, 1, &options, 10000, &error));
    options.partition_count = PARTITIONS + 1;
    assert_false(log_topics_create(brokers, names, 1, &options, 10000, &error));
    assert_int_equal(error.fault, FAULT_LOG_FAILED);
    assert_non_null(strstr(error.detail, "8 partitions, not 9"));
}

static int create_topic(void **unused)
{
    static int number;
    struct log_topic_options options = {.partition_count = PARTITIONS, .replication_factor = 1};
    const char *names[] = {topic};
    struct error error;

    (void)unused;
    snprintf(topic, sizeof(topic), "sijang.test%d-%" PRId64, ++number, clock_wall_us());
    if (log_topics_create(brokers, names, 1, &options, 30000, &error))
        return 0;
    print_error("%s\n", error.detail);
    return -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_topic_that_exists_is_compared, create_topic),
        cmocka_unit_test_setup(all_appends_are_acknowledged_and_read_back, create_topic),
        cmocka_unit_test_setup(a_reader_goes_on_from_its_stored_positions, create_topic),
        cmocka_unit_test_setup(a_new_owner_takes_over_and_the_old_one_notices, create_topic),
        cmocka_unit_test_setup(a_foreign_record_is_crossed_without_a_new_claim, create_topic),
        cmocka_unit_test_setup(a_fatal_producer_error_costs_a_claim_and_no_restart, create_topic),
        cmocka_unit_test_setup(a_position_of_another_log_is_refused, create_topic),
    };

    brokers = getenv("SIJANG_TEST_KAFKA");
    if (brokers == NULL) {
        printf("skipped: SIJANG_TEST_KAFKA names no broker\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
