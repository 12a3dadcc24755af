/* The life of an owned partition: FOLLOWING → CLAIMING → SERVING, and back through SETTLING
 * whenever an outcome is not certain. While SERVING the cursor stands still and the reports move
 * it. */
#include "lib/log/writer_partition.h"

#include "lib/core/backoff.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define NEAR_END_RECORDS   10000
#define REPORT_PATIENCE_US (10 * INT64_C(1000000))

static void note_time(struct log_partition *partition)
{
    int64_t now_us = partition->writer->now_us;

    if (partition->cursor.time_us <= partition->clock_max_us)
        return;
    int64_t late_us = partition->clock_max_us + now_us - partition->clock_boot_us;
    if (late_us > partition->clock_floor_us)
        partition->clock_floor_us = late_us;
    partition->clock_max_us = partition->cursor.time_us;
    partition->clock_boot_us = now_us;
}

static void note_skew(struct log_partition *partition, int64_t produced_us, int64_t appended_us)
{
    const struct log_port *port = partition->writer->port;

    skew_note(&partition->skew, produced_us, appended_us, port->wall_us(port));
}

void partition_start(struct log_partition *partition, const struct log_position *from)
{
    partition->state = LOG_FOLLOWING;
    partition->claim_offset = partition->undecided_term = LOG_OFFSET_NONE;
    partition->clock_max_us = from->time_us;
    partition->clock_boot_us = partition->writer->now_us;
    cursor_attach(&partition->cursor, from);
}

/* The next claim: later from failure to failure, and not at the same moment as the others'. */
static void back_off(struct log_partition *partition)
{
    const struct log_writer *writer = partition->writer;
    const struct backoff backoff = {.min_us = writer->options.settle_backoff_us_min,
                                    .max_us = writer->options.settle_backoff_us_max};
    uint32_t chance = (uint32_t)writer->port->chance(writer->port);

    partition->failures++;
    partition->claim_due_us = writer->now_us + backoff_us(&backoff, partition->failures, chance);
}

static void tell_deposed(struct log_partition *partition)
{
    const struct log_owner *owner = &partition->writer->owner;

    if (!flight_is_empty(&partition->flight))
        partition->undecided_term = partition->cursor.position.term;
    flight_abandon(&partition->flight);
    partition->releasing = false;
    if (!partition->serves)
        return;
    partition->serves = false;
    owner->deposed(owner->self, partition);
}

/* Nothing acknowledged is lost, nothing else is decided: reads on behind the last acknowledged
 * commit. */
static void depose(struct log_partition *partition)
{
    partition->resume_due_us = 0;
    cursor_pause(&partition->cursor);
    cursor_resume(&partition->cursor);
    partition->claim_offset = LOG_OFFSET_NONE;
    partition->state = partition->wanted ? LOG_SETTLING : LOG_FOLLOWING;
    back_off(partition);
    tell_deposed(partition);
}

static void stop(struct log_partition *partition, const struct error *error)
{
    partition->resume_due_us = 0;
    cursor_pause(&partition->cursor);
    partition->state = LOG_STOPPED;
    partition->wanted = false;
    partition->moved = false;
    partition->error = *error;
    tell_deposed(partition);
}

static void claim_again(struct log_partition *partition)
{
    partition->claim_offset = LOG_OFFSET_NONE;
    partition->state = partition->wanted ? LOG_SETTLING : LOG_FOLLOWING;
    back_off(partition);
}

static void serve(struct log_partition *partition)
{
    const struct log_owner *owner = &partition->writer->owner;

    assert(flight_is_empty(&partition->flight) && partition->resume_due_us == 0);
    cursor_pause(&partition->cursor);
    partition->state = LOG_SERVING;
    partition->serves = true;
    partition->moved = false;
    partition->sent_seq = 0;
    owner->serving(owner->self, partition, &partition->cursor.position);
}

/* Once the claim's offset is known and the log has been read up to it, everything before is
 * decided. */
static void check_claim(struct log_partition *partition)
{
    const struct cursor *cursor = &partition->cursor;
    struct error error;

    if (partition->state != LOG_CLAIMING || partition->claim_offset == LOG_OFFSET_NONE ||
        cursor->next <= partition->claim_offset)
        return;
    if (cursor->fence.term < partition->claim_offset) {
        error_set(&error, FAULT_LOG_REPLACED, "the own claim is not at %" PRId64 " as reported",
                  partition->claim_offset);
        stop(partition, &error);
        return;
    }
    if (cursor->fence.term == partition->claim_offset && cursor->fence.seq == 0)
        serve(partition);
    else
        claim_again(partition);
}

static void take_claim_report(struct log_partition *partition, const struct log_report *report)
{
    if (partition->state != LOG_CLAIMING)
        return;
    if (report->kind != LOG_REPORT_APPENDED || report->offset < 0) {
        claim_again(partition);
        return;
    }
    partition->claim_offset = report->offset;
    note_skew(partition, partition->claim_produced_us, report->append_time_us);
    check_claim(partition);
}

static void truncated(struct log_partition *partition, int64_t offset)
{
    struct error error;

    error_set(&error, FAULT_LOG_TRUNCATED,
              "a record was appended at %" PRId64 ", where %" PRId64 " was next", offset,
              partition->cursor.next);
    stop(partition, &error);
}

static void acknowledge_oldest(struct log_partition *partition)
{
    const struct log_owner *owner = &partition->writer->owner;
    struct flight_entry entry = *flight_at(&partition->flight, partition->flight.head);

    flight_pop(&partition->flight);
    bool completed = cursor_acknowledge(&partition->cursor, &entry.fence, entry.append_time_us);
    note_time(partition);
    note_skew(partition, entry.produced_us, entry.append_time_us);
    if (!completed)
        return;
    partition->failures = 0;
    owner->acknowledged(owner->self, partition, entry.commit_token, &partition->cursor.position);
}

static void acknowledge(struct log_partition *partition)
{
    struct flight *flight = &partition->flight;

    while (partition->state == LOG_SERVING && flight->head < flight->reported) {
        int64_t offset = flight_at(flight, flight->head)->offset;
        if (offset < partition->cursor.next) {
            truncated(partition, offset);
        } else if (offset > partition->cursor.next) {
            partition->state = LOG_SETTLING;
            cursor_cross(&partition->cursor, offset);
        } else {
            acknowledge_oldest(partition);
        }
    }
}

void partition_take_report(struct log_partition *partition, const struct log_report *report)
{
    struct flight *flight = &partition->flight;

    partition->silent_since_us = 0;
    if (report->token == partition->claim_token) {
        take_claim_report(partition, report);
        return;
    }
    if (report->token < flight->head)
        return; /* of records given up before */
    if (report->kind != LOG_REPORT_APPENDED || report->offset < 0 ||
        report->token != flight->reported) {
        depose(partition);
        return;
    }
    struct flight_entry *entry = flight_at(flight, report->token);
    entry->offset = report->offset;
    entry->append_time_us = report->append_time_us;
    flight->reported++;
    acknowledge(partition);
}

static bool is_crossing(const struct log_partition *partition)
{
    return partition->cursor.phase == CURSOR_CROSSING;
}

static void check_crossed(struct log_partition *partition)
{
    if (!is_crossing(partition) || partition->cursor.next < partition->cursor.limit)
        return;
    cursor_pause(&partition->cursor);
    partition->state = LOG_SERVING;
    acknowledge(partition);
}

/* The owner could not take a commit just now: it is read again, a little later. */
static void read_again_later(struct log_partition *partition, const struct log_position *before)
{
    cursor_pause(&partition->cursor);
    partition->cursor.position = *before;
    partition->resume_due_us =
        partition->writer->now_us + partition->writer->options.settle_backoff_us_max;
}

static bool hand_out_commit(struct log_partition *partition, struct error *error)
{
    const struct log_owner *owner = &partition->writer->owner;
    const struct cursor *cursor = &partition->cursor;

    return owner->apply(owner->self, partition, cursor->events, cursor->event_count,
                        &cursor->position, error);
}

static bool hand_out_platform(struct log_partition *partition, struct error *error)
{
    struct log_writer *writer = partition->writer;
    const struct cursor *cursor = &partition->cursor;
    struct platform_entry entry;

    arena_reset(&writer->platform);
    return platform_read(&cursor->events[0], &writer->platform, &entry, error) &&
           writer->owner.platform(writer->owner.self, partition, &entry, &cursor->position, error);
}

static void apply(struct log_partition *partition, const struct log_position *before,
                  bool (*hand_out)(struct log_partition *partition, struct error *error))
{
    struct error error;

    partition->moved = false;
    bool ok = hand_out(partition, &error);
    cursor_release(&partition->cursor);
    if (!ok && fault_entry(error.fault)->retryable)
        read_again_later(partition, before);
    else if (!ok)
        stop(partition, &error);
}

static void take_platform(struct log_partition *partition, const struct log_position *before)
{
    if (partition->writer->owner.platform != NULL) {
        apply(partition, before, hand_out_platform);
        return;
    }
    cursor_release(&partition->cursor);
    partition->moved = true;
}

/* Behind a newer claim, whoever made it, nothing of the old term counts any more. */
static void check_settled(struct log_partition *partition)
{
    const struct log_owner *owner = &partition->writer->owner;
    const struct log_position *position = &partition->cursor.position;

    if (partition->undecided_term == LOG_OFFSET_NONE || position->term <= partition->undecided_term)
        return;
    partition->undecided_term = LOG_OFFSET_NONE;
    if (owner->settled != NULL)
        owner->settled(owner->self, partition, position);
}

void partition_take_message(struct log_partition *partition, struct log_message *message)
{
    struct log_position before = partition->cursor.position;
    struct error error;

    switch (cursor_take(&partition->cursor, message, &error)) {
    case CURSOR_NOTHING: break;
    case CURSOR_ADVANCED: partition->moved = true; break;
    case CURSOR_COMMIT: apply(partition, &before, hand_out_commit); break;
    case CURSOR_PLATFORM: take_platform(partition, &before); break;
    case CURSOR_DEPOSED: depose(partition); break;
    case CURSOR_STOPPED: stop(partition, &error); break;
    }
    note_time(partition);
    check_crossed(partition);
    check_settled(partition);
    check_claim(partition);
}

void partition_producer_lost(struct log_partition *partition)
{
    if (partition->state == LOG_CLAIMING && partition->claim_offset == LOG_OFFSET_NONE)
        claim_again(partition);
    else if (flight_is_empty(&partition->flight) == false)
        depose(partition);
}

struct uuid partition_draw_id(struct log_partition *partition)
{
    struct log_port *port = partition->writer->port;
    uint64_t bits[2] = {port->chance(port), port->chance(port)};
    struct uuid id;

    memcpy(id.bytes, bits, sizeof(id.bytes));
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40); /* RFC 9562: version 4 ... */
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80); /* ... of the usual variant */
    return id;
}

static bool produce_claim(struct log_partition *partition, uint64_t token)
{
    static const struct uuid none;
    struct log_writer *writer = partition->writer;
    struct envelope *envelope = &writer->envelopes[0];
    struct uuid id = partition_draw_id(partition);
    struct platform_claim claim = {
        .incarnation = writer->options.incarnation,
        .log = partition->cursor.position.log,
        .partition_count = writer->options.partition_count,
    };

    if (uuid_equal(&claim.log, &none))
        claim.log = partition_draw_id(partition);
    if (!platform_write_claim(&claim, &id, &writer->platform_bytes, envelope))
        return false;
    struct log_record record = {
        .value = buffer_text(&writer->platform_bytes),
        .headers = envelope->headers,
        .header_count = envelope->count,
    };
    return writer->port->produce(writer->port, partition->cursor.source, &record, 1, token, NULL);
}

static bool waits_for_claim(const struct log_partition *partition)
{
    return partition->wanted && !is_crossing(partition) &&
           (partition->state == LOG_FOLLOWING || partition->state == LOG_SETTLING);
}

bool log_partition_is_near_end(const struct log_partition *partition)
{
    const struct cursor *cursor = &partition->cursor;
    int64_t end = cursor->port->end(cursor->port, cursor->source);

    return cursor->phase == CURSOR_READING && cursor->caught_up &&
           end - cursor->next <= NEAR_END_RECORDS;
}

bool log_partition_is_claimed_elsewhere(const struct log_partition *partition)
{
    static const struct uuid nobody;
    const struct uuid *claimant = &partition->cursor.claimant;

    return !uuid_equal(claimant, &nobody) &&
           !uuid_equal(claimant, &partition->writer->options.incarnation);
}

static void claim_if_due(struct log_partition *partition)
{
    const struct log_writer *writer = partition->writer;

    if (!waits_for_claim(partition) || partition->claim_due_us > writer->now_us ||
        !log_partition_is_near_end(partition))
        return;
    partition->claim_token = flight_skip(&partition->flight);
    partition->claim_produced_us = writer->port->wall_us(writer->port);
    partition->claim_offset = LOG_OFFSET_NONE;
    if (produce_claim(partition, partition->claim_token))
        partition->state = LOG_CLAIMING;
    else
        partition->claim_due_us = writer->now_us + writer->options.settle_backoff_us_min;
}

static bool waits_for_report(const struct log_partition *partition)
{
    const struct flight *flight = &partition->flight;

    if (partition->state == LOG_CLAIMING)
        return partition->claim_offset == LOG_OFFSET_NONE;
    return flight->reported < flight->tail;
}

/* Reports get lost. What comes into the log after all is void behind the next claim, or a claim
 * that costs another one. A broker that is away is waited for. */
static void doubt_if_due(struct log_partition *partition)
{
    struct log_port *port = partition->writer->port;
    int64_t now_us = partition->writer->now_us;

    if (partition->silent_since_us == 0 || !waits_for_report(partition) || !port->connected(port))
        partition->silent_since_us = now_us;
    if (now_us - partition->silent_since_us < REPORT_PATIENCE_US)
        return;
    partition->silent_since_us = 0;
    if (partition->state == LOG_CLAIMING)
        claim_again(partition);
    else
        depose(partition);
}

static void release_if_done(struct log_partition *partition)
{
    if (!partition->releasing || partition->state != LOG_SERVING ||
        !flight_is_empty(&partition->flight))
        return;
    cursor_resume(&partition->cursor);
    partition->state = LOG_FOLLOWING;
    tell_deposed(partition);
}

void partition_tick(struct log_partition *partition)
{
    const struct log_owner *owner = &partition->writer->owner;

    if (partition->resume_due_us != 0 && partition->resume_due_us <= partition->writer->now_us) {
        partition->resume_due_us = 0;
        cursor_resume(&partition->cursor);
    }
    cursor_tick(&partition->cursor, partition->writer->now_us);
    release_if_done(partition);
    doubt_if_due(partition);
    claim_if_due(partition);
    if (!partition->moved)
        return;
    partition->moved = false;
    owner->advanced(owner->self, partition, &partition->cursor.position);
}

int64_t partition_due_us(const struct log_partition *partition)
{
    if (partition->cursor.retry_due_us != 0)
        return partition->cursor.retry_due_us;
    return waits_for_claim(partition) && log_partition_is_near_end(partition)
               ? partition->claim_due_us
               : INT64_MAX;
}
