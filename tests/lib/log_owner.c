/* The process under test and the strangers that disturb it. */
#include "tests/lib/log_owner.h"

#include "lib/log/platform.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void note(struct log_owner_process *owner, const char *what, int64_t number)
{
    size_t used = strlen(owner->trace);
    const char *space = used > 0 ? " " : "";

    assert_true(used + 40 < sizeof(owner->trace));
    if (number < 0)
        snprintf(owner->trace + used, sizeof(owner->trace) - used, "%s%s", space, what);
    else
        snprintf(owner->trace + used, sizeof(owner->trace) - used, "%s%s%" PRId64, space, what,
                 number);
}

static bool on_apply(void *self, struct log_partition *partition, const struct log_event *events,
                     size_t count, const struct log_position *after, struct error *error)
{
    struct log_owner_process *owner = self;

    (void)partition;
    assert_true(count > 0 && after->next > events[count - 1].offset);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(events[i].version, events[0].version);
    note(owner, "apply:", events[0].version);
    return owner->apply_fault == FAULT_NONE ||
           error_set(error, owner->apply_fault, "as the test wants it");
}

static bool on_platform(void *self, struct log_partition *partition,
                        const struct platform_entry *entry, const struct log_position *after,
                        struct error *error)
{
    struct log_owner_process *owner = self;
    char what[32];

    (void)partition;
    assert_int_equal(after->next, entry->offset + 1);
    snprintf(what, sizeof(what), "%s@", platform_records[entry->kind]->name);
    note(owner, what, entry->offset);
    return owner->apply_fault == FAULT_NONE ||
           error_set(error, owner->apply_fault, "as the test wants it");
}

static void on_advanced(void *self, struct log_partition *partition,
                        const struct log_position *after)
{
    (void)partition;
    note(self, "advanced@", after->next);
}

static void on_serving(void *self, struct log_partition *partition, const struct log_position *at)
{
    (void)partition;
    note(self, "serving@", at->next);
}

static void on_acknowledged(void *self, struct log_partition *partition, uint64_t token,
                            const struct log_position *after)
{
    assert_int_equal(log_partition_position(partition)->next, after->next);
    note(self, "ack:", (int64_t)token);
}

static void on_deposed(void *self, struct log_partition *partition)
{
    assert_int_equal(log_partition_unacknowledged(partition), 0);
    note(self, "deposed", -1);
}

static void on_settled(void *self, struct log_partition *partition, const struct log_position *at)
{
    (void)partition;
    note(self, "settled@", at->next);
}

void owner_start(struct log_owner_process *owner, struct sim_broker *broker,
                 const struct log_position *from)
{
    struct log_position beginning;
    struct log_writer_options options = {
        .partition_count = OWNER_PARTITIONS,
        .incarnation = uuid_v7(),
        .settle_backoff_us_min = 10000,
        .settle_backoff_us_max = 100000,
    };
    struct log_owner callbacks = {
        .self = owner,
        .apply = on_apply,
        .platform = on_platform,
        .advanced = on_advanced,
        .serving = on_serving,
        .acknowledged = on_acknowledged,
        .deposed = on_deposed,
        .settled = on_settled,
    };

    *owner = (struct log_owner_process){.port = sim_port_create(broker)};
    owner->writer = log_writer_create(owner->port, &callbacks, &options, NULL);
    assert_non_null(owner->writer);
    log_position_start(&beginning);
    struct log_attachment attachment = {
        .topic = OWNER_TOPIC,
        .from = from == NULL ? &beginning : from,
        .user = owner,
    };
    assert_true(log_writer_attach(owner->writer, &attachment, &owner->partition, NULL));
    assert_ptr_equal(log_partition_user(owner->partition), owner);
}

void owner_stop(struct log_owner_process *owner)
{
    log_writer_destroy(owner->writer);
    sim_port_destroy(owner->port);
}

void owner_start_serving(struct log_owner_process *owner, struct sim_broker *broker)
{
    owner_start(owner, broker, NULL);
    log_partition_claim(owner->partition);
    owner_run(owner);
    assert_int_equal(log_partition_state(owner->partition), LOG_SERVING);
    owner->trace[0] = '\0';
}

struct log_event owner_event(int64_t number)
{
    static const struct uuid command = {.bytes = {1, 2, 3}};
    struct log_event event = {
        .key = TEXT("product-1"),
        .type = TEXT("sijang.catalog.PriceChanged"),
        .source = TEXT("/catalog/product"),
        .subject = TEXT("product-1"),
        .time_us = INT64_C(1767225600000000) + number,
        .version = number,
        .command_id = command,
        .payload = TEXT("payload"),
    };

    event.id = uuid_v5(&command, &number, sizeof(number));
    return event;
}

bool owner_append(struct log_owner_process *owner, int64_t number, size_t count)
{
    struct log_event events[LOG_COMMIT_RECORDS_MAX];

    assert_true(count <= LOG_COMMIT_RECORDS_MAX);
    for (size_t i = 0; i < count; i++)
        events[i] = owner_event(number);
    return log_partition_append(owner->partition, events, count, (uint64_t)number, NULL);
}

void owner_turn(struct log_owner_process *owner)
{
    for (int i = 0; i < 100 && log_writer_turn(owner->writer) > 0; i++)
        continue;
}

void owner_run(struct log_owner_process *owner)
{
    for (int i = 0; i < 100; i++) {
        owner_turn(owner);
        log_writer_wait(owner->writer, 10);
    }
}

void owner_expect(struct log_owner_process *owner, const char *trace)
{
    assert_string_equal(owner->trace, trace);
    owner->trace[0] = '\0';
}

int64_t foreign_record(struct sim_broker *broker, int64_t number, struct log_fence fence)
{
    struct log_event event = owner_event(number);
    struct envelope envelope;

    envelope_write(&event, &fence, &envelope);
    return sim_broker_append(broker, OWNER_TOPIC, 0,
                             &(struct log_record){
                                 .key = event.key,
                                 .value = event.payload,
                                 .headers = envelope.headers,
                                 .header_count = envelope.count,
                             });
}

int64_t foreign_junk(struct sim_broker *broker)
{
    return sim_broker_append(broker, OWNER_TOPIC, 0, &(struct log_record){.value = TEXT("junk")});
}

int64_t foreign_claim(struct sim_broker *broker, int32_t partition_count)
{
    struct platform_claim claim = {
        .incarnation = {{9}}, .log = uuid_v7(), .partition_count = partition_count};
    struct uuid id = uuid_v7();
    struct envelope envelope;
    struct buffer payload;

    buffer_init(&payload, 1024);
    assert_true(platform_write_claim(&claim, &id, &payload, &envelope));
    int64_t offset = sim_broker_append(broker, OWNER_TOPIC, 0,
                                       &(struct log_record){
                                           .value = buffer_text(&payload),
                                           .headers = envelope.headers,
                                           .header_count = envelope.count,
                                       });
    buffer_done(&payload);
    return offset;
}
