/* The owner's side: one turn hands reports and messages to the partitions they belong to. */
#include "lib/log/writer.h"

#include "lib/log/writer_partition.h"
#include <assert.h>
#include <stdlib.h>

#define PLATFORM_ARENA_MAX (1024 * 1024)
#define REPORTS_A_ROUND    512
#define MESSAGES_A_ROUND   512
#define ROUNDS_A_TURN_MAX  4
#define HEADER_BYTES_EACH  16 /* lengths and such around a header, generously */

struct log_writer *log_writer_create(struct log_port *port, const struct log_owner *owner,
                                     const struct log_writer_options *options, struct error *error)
{
    assert(options->partition_count > 0 && options->settle_backoff_us_min > 0);
    assert(options->settle_backoff_us_max >= options->settle_backoff_us_min);
    struct log_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "log writer");
        return NULL;
    }
    writer->port = port;
    writer->owner = *owner;
    writer->options = *options;
    writer->now_us = port->boot_us(port);
    buffer_init(&writer->platform_bytes, LOG_RECORD_BYTES_MAX);
    arena_init(&writer->platform, PLATFORM_ARENA_MAX);
    return writer;
}

void log_writer_destroy(struct log_writer *writer)
{
    if (writer == NULL)
        return;
    for (int32_t i = 0; i < writer->partition_count; i++) {
        cursor_done(&writer->partitions[i]->cursor);
        flight_done(&writer->partitions[i]->flight);
        free(writer->partitions[i]);
    }
    free(writer->partitions);
    buffer_done(&writer->platform_bytes);
    arena_done(&writer->platform);
    free(writer);
}

static struct log_partition *add_partition(struct log_writer *writer, int32_t source)
{
    assert(source == writer->partition_count);
    struct log_partition **grown =
        realloc(writer->partitions, ((size_t)source + 1) * sizeof(struct log_partition *));
    if (grown == NULL)
        return NULL;
    writer->partitions = grown;
    struct log_partition *partition = calloc(1, sizeof(*partition));
    if (partition == NULL)
        return NULL;
    partition->writer = writer;
    partition->claim_token = UINT64_MAX;
    cursor_init(&partition->cursor, writer->port, source, &writer->statistics);
    partition->cursor.partition_count = writer->options.partition_count;
    writer->partitions[source] = partition;
    writer->partition_count = source + 1;
    return partition;
}

bool log_writer_attach(struct log_writer *writer, const struct log_attachment *attachment,
                       struct log_partition **ret_partition, struct error *error)
{
    const char *topic = attachment->topic;
    int32_t partition = attachment->partition;
    int32_t source;

    assert(partition < writer->options.partition_count);
    if (!writer->port->open(writer->port, topic, partition, &source, error))
        return error_add(error, "following %s/%d", topic, partition);
    struct log_partition *added = add_partition(writer, source);
    if (added == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "following %s/%d", topic, partition);
    added->user = attachment->user;
    writer->now_us = writer->port->boot_us(writer->port);
    partition_start(added, attachment->from);
    *ret_partition = added;
    return true;
}

void log_partition_claim(struct log_partition *partition)
{
    if (partition->state == LOG_STOPPED)
        return;
    partition->wanted = true;
    partition->releasing = false;
}

void log_partition_release(struct log_partition *partition)
{
    partition->wanted = false;
    if (partition->serves)
        partition->releasing = true;
    else if (partition->state != LOG_STOPPED)
        partition->state = LOG_FOLLOWING;
}

bool log_partition_is_wanted(const struct log_partition *partition)
{
    return partition->wanted;
}

static size_t record_bytes(const struct log_record *record)
{
    size_t bytes = record->key.size + record->value.size;

    for (size_t i = 0; i < record->header_count; i++)
        bytes += record->headers[i].name.size + record->headers[i].value.size + HEADER_BYTES_EACH;
    return bytes;
}

static struct log_fence fence_of(const struct log_partition *partition, size_t index, size_t count)
{
    return (struct log_fence){
        .term = partition->cursor.fence.term,
        .seq = partition->sent_seq + 1 + (int64_t)index,
        .index = (int32_t)index + 1,
        .count = (int32_t)count,
    };
}

static bool write_record(struct log_partition *partition, const struct log_event *event,
                         size_t index, size_t count, struct error *error)
{
    struct envelope *envelope = &partition->writer->envelopes[index];
    struct log_record *record = &partition->writer->records[index];
    struct log_fence fence = fence_of(partition, index, count);

    envelope_write(event, &fence, envelope);
    *record = (struct log_record){
        .key = event->key,
        .value = event->payload,
        .headers = envelope->headers,
        .header_count = envelope->count,
    };
    if (record_bytes(record) > LOG_RECORD_BYTES_MAX)
        return error_set(error, FAULT_LIMIT_EXCEEDED, "a record of %zu bytes",
                         record_bytes(record));
    return true;
}

bool log_partition_append(struct log_partition *partition, const struct log_event *events,
                          size_t count, uint64_t token, struct error *error)
{
    struct log_writer *writer = partition->writer;
    struct flight *flight = &partition->flight;

    if (partition->state != LOG_SERVING || partition->releasing)
        return error_set(error, FAULT_NOT_READY, "the partition is not being served");
    if (count == 0 || count > LOG_COMMIT_RECORDS_MAX)
        return error_set(error, FAULT_LIMIT_EXCEEDED, "a commit of %zu records", count);
    for (size_t i = 0; i < count; i++)
        if (!write_record(partition, &events[i], i, count, error))
            return false;
    int64_t produced_us = writer->port->wall_us(writer->port);
    if (!flight_reserve(flight, count))
        return error_set(error, FAULT_OVERLOADED, "too many records under way");
    if (!writer->port->produce(writer->port, partition->cursor.source, writer->records, count,
                               flight->tail, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct log_fence fence = fence_of(partition, i, count);
        flight_push(flight, &fence, token, produced_us);
    }
    partition->sent_seq += (int64_t)count;
    return true;
}

bool log_partition_append_platform(struct log_partition *partition,
                                   const struct platform_entry *entry, uint64_t token,
                                   struct error *error)
{
    static const struct uuid none;
    struct log_event event;

    if (!platform_write(entry, &partition->writer->platform_bytes, &event, error))
        return false;
    if (uuid_equal(&event.id, &none))
        event.id = partition_draw_id(partition);
    event.time_us = log_partition_now_us(partition);
    return log_partition_append(partition, &event, 1, token, error);
}

enum log_state log_partition_state(const struct log_partition *partition)
{
    return partition->releasing ? LOG_SETTLING : partition->state;
}

void *log_partition_user(const struct log_partition *partition)
{
    return partition->user;
}

const struct log_position *log_partition_position(const struct log_partition *partition)
{
    return &partition->cursor.position;
}

int64_t log_partition_sent_seq(const struct log_partition *partition)
{
    return partition->sent_seq;
}

bool log_partition_clock_agrees(const struct log_partition *partition)
{
    return !partition->skew.differs;
}

int64_t log_partition_clock_ahead_us(const struct log_partition *partition)
{
    return partition->skew.ahead_us;
}

size_t log_partition_unacknowledged(const struct log_partition *partition)
{
    return partition->flight.commits;
}

int64_t log_partition_end(const struct log_partition *partition)
{
    const struct log_port *port = partition->writer->port;

    return partition->serves ? partition->cursor.next : port->end(port, partition->cursor.source);
}

int64_t log_partition_now_us(const struct log_partition *partition)
{
    const struct log_port *port = partition->writer->port;
    int64_t now_us = partition->clock_max_us + port->boot_us(port) - partition->clock_boot_us;

    return now_us > partition->clock_floor_us ? now_us : partition->clock_floor_us;
}

int64_t log_partition_boot_us(const struct log_partition *partition)
{
    const struct log_port *port = partition->writer->port;

    return port->boot_us(port);
}

const struct error *log_partition_error(const struct log_partition *partition)
{
    return &partition->error;
}

static void producer_lost(struct log_writer *writer)
{
    writer->producer_lost = true;
    for (int32_t i = 0; i < writer->partition_count; i++)
        partition_producer_lost(writer->partitions[i]);
}

static size_t take_reports(struct log_writer *writer)
{
    struct log_report reports[REPORTS_A_ROUND];
    size_t count = writer->port->reports(writer->port, reports, REPORTS_A_ROUND);

    for (size_t i = 0; i < count; i++) {
        if (reports[i].kind == LOG_REPORT_PRODUCER_LOST)
            producer_lost(writer);
        else
            partition_take_report(writer->partitions[reports[i].source], &reports[i]);
    }
    return count;
}

static size_t take_messages(struct log_writer *writer)
{
    struct log_message messages[MESSAGES_A_ROUND];
    size_t count = writer->port->poll(writer->port, messages, MESSAGES_A_ROUND);

    for (size_t i = 0; i < count; i++)
        partition_take_message(writer->partitions[messages[i].source], &messages[i]);
    return count;
}

size_t log_writer_turn(struct log_writer *writer)
{
    size_t total = 0, count = 1;

    writer->now_us = writer->port->boot_us(writer->port);
    for (int round = 0; count > 0 && round < ROUNDS_A_TURN_MAX; round++) {
        count = take_reports(writer);
        count += take_messages(writer);
        total += count;
    }
    if (writer->producer_lost && writer->port->recreate_producer(writer->port, NULL))
        writer->producer_lost = false;
    for (int32_t i = 0; i < writer->partition_count; i++)
        partition_tick(writer->partitions[i]);
    return total;
}

void log_writer_wait(struct log_writer *writer, int timeout_ms)
{
    int64_t now_us = writer->port->boot_us(writer->port);
    int64_t due_us = INT64_MAX;

    for (int32_t i = 0; i < writer->partition_count; i++) {
        int64_t one_us = partition_due_us(writer->partitions[i]);
        due_us = one_us < due_us ? one_us : due_us;
    }
    if (due_us != INT64_MAX) {
        int64_t left_ms = due_us > now_us ? (due_us - now_us + 999) / 1000 : 0;
        if (timeout_ms < 0 || left_ms < timeout_ms)
            timeout_ms = (int)left_ms;
    }
    writer->port->wait(writer->port, timeout_ms);
}

void log_writer_wake(struct log_writer *writer)
{
    writer->port->wake(writer->port);
}
