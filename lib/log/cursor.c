/* Reading a partition. A position is believed only when the log's first claim bears the identity it
 * was taken in and the record it stands behind is still the same one. */
#include "lib/log/cursor.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define SHORT_US_MAX (10 * INT64_C(1000000))
#define RETRY_US_MIN (50 * INT64_C(1000))
#define RETRY_US_MAX (1000 * INT64_C(1000))

static const struct uuid no_log;

void cursor_init(struct cursor *cursor, struct log_port *port, int32_t source,
                 struct log_reader_statistics *statistics)
{
    *cursor = (struct cursor){
        .port = port,
        .statistics = statistics,
        .source = source,
        .phase = CURSOR_IDLE,
        .hole = LOG_OFFSET_NONE,
        .target = LOG_OFFSET_NONE,
    };
    log_position_start(&cursor->position);
    fence_start(&cursor->fence, &cursor->position);
}

void cursor_release(struct cursor *cursor)
{
    for (size_t i = 0; i < cursor->event_count; i++)
        cursor->port->release(cursor->port, &cursor->held[i]);
    cursor->event_count = 0;
}

void cursor_surrender(struct cursor *cursor, struct log_message *ret_messages)
{
    for (size_t i = 0; i < cursor->event_count; i++)
        ret_messages[i] = cursor->held[i];
    cursor->event_count = 0;
}

void cursor_done(struct cursor *cursor)
{
    cursor_pause(cursor);
    free(cursor->events);
    free(cursor->held);
}

void cursor_pause(struct cursor *cursor)
{
    cursor_release(cursor);
    if (cursor->phase != CURSOR_IDLE)
        cursor->port->fetch_stop(cursor->port, cursor->source);
    cursor->phase = CURSOR_IDLE;
    cursor->short_since_us = cursor->retry_due_us = 0;
}

static void begin(struct cursor *cursor, enum cursor_phase phase, int64_t offset)
{
    cursor->phase = phase;
    cursor->retry_due_us = 0;
    cursor->hole = LOG_OFFSET_NONE;
    cursor->fetch = cursor->port->fetch(cursor->port, cursor->source, offset);
}

void cursor_resume(struct cursor *cursor)
{
    cursor_release(cursor);
    fence_start(&cursor->fence, &cursor->position);
    cursor->next = cursor->position.next;
    cursor->time_us = cursor->position.time_us;
    begin(cursor, CURSOR_READING, cursor->next);
}

void cursor_attach(struct cursor *cursor, const struct log_position *from)
{
    cursor_release(cursor);
    cursor->caught_up = false;
    cursor->target = LOG_OFFSET_NONE;
    cursor->position = *from;
    if (from->last_offset != LOG_OFFSET_NONE) {
        cursor->next = 0;
        begin(cursor, CURSOR_PROBING, LOG_OFFSET_FIRST);
        return;
    }
    /* Nothing that counts was read: reading it all again costs little and leaves nothing to
     * compare. */
    log_position_start(&cursor->position);
    cursor->position.time_us = from->time_us;
    cursor_resume(cursor);
}

void cursor_cross(struct cursor *cursor, int64_t limit)
{
    assert(cursor->phase == CURSOR_IDLE && limit > cursor->next);
    cursor->limit = limit;
    begin(cursor, CURSOR_CROSSING, cursor->next);
}

static enum cursor_outcome stopped(struct cursor *cursor)
{
    cursor_pause(cursor);
    return CURSOR_STOPPED;
}

/* A new leader may know for a moment less of the log than its readers do: what stays so is cut off
 * for good. *error says what was seen. */
static enum cursor_outcome too_short(struct cursor *cursor)
{
    int64_t now_us = cursor->port->boot_us(cursor->port);

    if (cursor->short_since_us == 0)
        cursor->short_since_us = now_us;
    int64_t since_us = now_us - cursor->short_since_us;
    if (since_us >= SHORT_US_MAX)
        return stopped(cursor);
    cursor->port->fetch_stop(cursor->port, cursor->source);
    if (since_us < RETRY_US_MIN)
        since_us = RETRY_US_MIN;
    cursor->retry_due_us = now_us + (since_us < RETRY_US_MAX ? since_us : RETRY_US_MAX);
    return CURSOR_NOTHING;
}

static enum cursor_outcome ends_early(struct cursor *cursor, int64_t end, struct error *error)
{
    error_set(error, FAULT_LOG_TRUNCATED, "the log ends at %" PRId64 ", it was read up to %" PRId64,
              end, cursor->position.next);
    return too_short(cursor);
}

static enum cursor_outcome out_of_range(struct cursor *cursor, int64_t offset, struct error *error)
{
    int64_t end = cursor->port->end(cursor->port, cursor->source);

    if (end != LOG_OFFSET_NONE && end <= offset)
        return ends_early(cursor, end, error);
    error_set(error, FAULT_LOG_TRUNCATED,
              "there is no record %" PRId64 ": retention passed it, or the log was cut", offset);
    return too_short(cursor);
}

static int64_t next_of_phase(const struct cursor *cursor)
{
    switch (cursor->phase) {
    case CURSOR_PROBING: return LOG_OFFSET_FIRST;
    case CURSOR_VERIFYING: return cursor->position.last_offset;
    case CURSOR_IDLE:
    case CURSOR_READING:
    case CURSOR_CROSSING: break;
    }
    return cursor->next;
}

void cursor_tick(struct cursor *cursor, int64_t now_us)
{
    if (cursor->retry_due_us != 0 && cursor->retry_due_us <= now_us)
        begin(cursor, cursor->phase, next_of_phase(cursor));
}

static enum cursor_outcome damaged(struct cursor *cursor, int64_t offset, struct error *error)
{
    error_set(error, FAULT_DATA_CORRUPT, "the log is damaged at %" PRId64, offset);
    return stopped(cursor);
}

static enum cursor_outcome replaced(struct cursor *cursor, const char *why, struct error *error)
{
    error_set(error, FAULT_LOG_REPLACED, "%s (position %" PRId64 ", last record %" PRId64 ")", why,
              cursor->position.next, cursor->position.last_offset);
    return stopped(cursor);
}

static bool count_fits(const struct cursor *cursor, const struct platform_claim *claim,
                       struct error *error)
{
    if (cursor->partition_count == 0 || claim->partition_count == cursor->partition_count)
        return true;
    return error_set(error, FAULT_LOG_FAILED,
                     "the log was begun with %" PRId32 " partitions, configured are %" PRId32,
                     claim->partition_count, cursor->partition_count);
}

static enum cursor_outcome verify_next(struct cursor *cursor)
{
    begin(cursor, CURSOR_VERIFYING, cursor->position.last_offset);
    return CURSOR_NOTHING;
}

static enum cursor_outcome probe_record(struct cursor *cursor, const struct log_message *message,
                                        struct error *error)
{
    struct fence fence = {.term = LOG_OFFSET_NONE};
    struct log_event event;
    struct platform_claim claim;
    bool first = cursor->next == 0;

    if (message->offset > cursor->position.last_offset)
        return first ? out_of_range(cursor, cursor->position.last_offset, error)
                     : replaced(cursor, "the log's first claim is not there", error);
    if (first && message->offset > 0)
        return verify_next(cursor); /* the first claim is gone, what the position needs is not */
    cursor->next = message->offset + 1;
    if (judge_message(cursor->port, message, &fence, &event, &claim) != JUDGED_CLAIM)
        return CURSOR_NOTHING;
    if (!uuid_equal(&claim.log, &cursor->position.log))
        return replaced(cursor, "the log bears another identity", error);
    return count_fits(cursor, &claim, error) ? verify_next(cursor) : stopped(cursor);
}

static enum cursor_outcome probe(struct cursor *cursor, const struct log_message *message,
                                 struct error *error)
{
    switch (message->kind) {
    case LOG_MESSAGE_RECORD: return probe_record(cursor, message, error);
    case LOG_MESSAGE_OUT_OF_RANGE: return out_of_range(cursor, cursor->position.next, error);
    case LOG_MESSAGE_DAMAGED: return damaged(cursor, message->offset, error);
    case LOG_MESSAGE_END:
        if (message->offset < cursor->position.next)
            return ends_early(cursor, message->offset, error);
        if (cursor->next == 0) /* it has come so far, and has no record left */
            return out_of_range(cursor, cursor->position.last_offset, error);
        return replaced(cursor, "the log has no claim", error);
    }
    return CURSOR_NOTHING;
}

static bool is_last_record(const struct cursor *cursor, const struct log_message *message)
{
    struct log_event event;
    const struct log_position *position = &cursor->position;
    struct platform_claim claim;

    switch (envelope_read(cursor->port, message, &event)) {
    case ENVELOPE_MALFORMED: return false;
    case ENVELOPE_CLAIM:
        return position->term == message->offset && position->seq == 0 &&
               platform_read_claim(message->value, &claim);
    case ENVELOPE_FENCED:
        return position->term == event.fence.term && position->seq == event.fence.seq;
    }
    return false;
}

static enum cursor_outcome verify(struct cursor *cursor, const struct log_message *message,
                                  struct error *error)
{
    const struct log_position *position = &cursor->position;

    if (message->kind == LOG_MESSAGE_OUT_OF_RANGE)
        return out_of_range(cursor, position->last_offset, error);
    if (message->kind == LOG_MESSAGE_DAMAGED)
        return damaged(cursor, message->offset, error);
    if (message->kind == LOG_MESSAGE_END)
        return ends_early(cursor, message->offset, error);
    if (message->offset < position->last_offset)
        return CURSOR_NOTHING;
    if (message->offset > position->last_offset)
        return replaced(cursor, "the last record read is missing", error);
    if (!is_last_record(cursor, message))
        return replaced(cursor, "the last record read is another one now", error);
    if (position->next <= position->last_offset || position->term > position->last_offset)
        return replaced(cursor, "no reader leaves such a position", error);
    cursor->short_since_us = 0;
    /* The same fetch goes on: what it delivers before position.next was read already. */
    cursor->phase = CURSOR_READING;
    fence_start(&cursor->fence, position);
    cursor->next = position->next;
    cursor->time_us = position->time_us;
    return CURSOR_NOTHING;
}

static bool make_room(struct cursor *cursor, struct error *error)
{
    size_t capacity = cursor->capacity == 0 ? 4 : cursor->capacity * 2;

    if (cursor->event_count < cursor->capacity)
        return true;
    struct log_event *events = realloc(cursor->events, capacity * sizeof(*events));
    if (events == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "events of a commit");
    cursor->events = events;
    struct log_message *held = realloc(cursor->held, capacity * sizeof(*held));
    if (held == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "messages of a commit");
    cursor->held = held;
    cursor->capacity = capacity;
    return true;
}

/* The record before `next` was the last one of something: the position moves behind it. */
static void settle_position(struct cursor *cursor, bool valid)
{
    struct log_position *position = &cursor->position;

    position->next = cursor->next;
    position->time_us = cursor->time_us;
    if (!valid)
        return;
    position->last_offset = cursor->next - 1;
    position->term = cursor->fence.term;
    position->seq = cursor->fence.seq;
}

static enum cursor_outcome read_void(struct cursor *cursor)
{
    cursor->statistics->voided++;
    if (cursor->fence.open_index > 0)
        return CURSOR_NOTHING;
    settle_position(cursor, false);
    return CURSOR_ADVANCED;
}

static enum cursor_outcome read_claim(struct cursor *cursor, const struct platform_claim *claim,
                                      struct error *error)
{
    cursor->statistics->platform++;
    cursor->statistics->voided += (int64_t)cursor->event_count;
    cursor->claimant = claim->incarnation;
    cursor_release(cursor);
    if (uuid_equal(&cursor->position.log, &no_log)) {
        if (!count_fits(cursor, claim, error))
            return stopped(cursor);
        cursor->position.log = claim->log;
    }
    settle_position(cursor, true);
    return CURSOR_ADVANCED;
}

static enum cursor_outcome read_platform(struct cursor *cursor, const struct log_event *event)
{
    cursor->statistics->platform++;
    if (!text_is(event->type, ENVELOPE_BARRIER_TYPE))
        return CURSOR_PLATFORM;
    cursor_release(cursor);
    return CURSOR_ADVANCED;
}

/* The message is the cursor's from here on. */
static enum cursor_outcome read_valid(struct cursor *cursor, struct log_message *message,
                                      const struct log_event *event, struct error *error)
{
    if (!make_room(cursor, error))
        return stopped(cursor);
    cursor->events[cursor->event_count] = *event;
    cursor->held[cursor->event_count++] = *message;
    message->handle = NULL;
    if (cursor->fence.open_index > 0)
        return CURSOR_NOTHING;
    settle_position(cursor, true);
    if (cursor->event_count == 1 && platform_is(event))
        return read_platform(cursor, event);
    cursor->statistics->events += (int64_t)cursor->event_count;
    return CURSOR_COMMIT;
}

static void pass(struct cursor *cursor, const struct log_message *message)
{
    cursor->next = message->offset + 1;
    if (message->append_time_us > cursor->time_us)
        cursor->time_us = message->append_time_us;
}

static enum cursor_outcome read_record(struct cursor *cursor, struct log_message *message,
                                       struct error *error)
{
    struct log_event event;
    struct platform_claim claim;

    cursor->statistics->records++;
    cursor->short_since_us = 0;
    enum judgement judgement = judge_message(cursor->port, message, &cursor->fence, &event, &claim);
    pass(cursor, message);
    if (cursor->phase == CURSOR_CROSSING) {
        if (judgement != JUDGED_VOID)
            return CURSOR_DEPOSED;
        cursor->statistics->voided++;
        return CURSOR_NOTHING;
    }
    switch (judgement) {
    case JUDGED_VOID: return read_void(cursor);
    case JUDGED_CLAIM: return read_claim(cursor, &claim, error);
    case JUDGED_PART:
    case JUDGED_COMMIT: return read_valid(cursor, message, &event, error);
    }
    return CURSOR_NOTHING;
}

static void note_end(struct cursor *cursor)
{
    if (cursor->target == LOG_OFFSET_NONE)
        cursor->target = cursor->port->end(cursor->port, cursor->source);
    if (cursor->target != LOG_OFFSET_NONE && cursor->next >= cursor->target)
        cursor->caught_up = true;
}

/* Records are missing before `offset`. Asked for again, they either come, or are out of range, or
 * are really not there (a transaction's control record takes an offset): only then reading goes on
 * behind them. */
static bool is_hole(struct cursor *cursor, int64_t offset)
{
    if (offset == cursor->next)
        return false;
    if (cursor->hole != cursor->next) {
        begin(cursor, cursor->phase, cursor->next);
        cursor->hole = cursor->next;
        return true;
    }
    cursor->statistics->voided += offset - cursor->next;
    cursor->next = offset;
    return false;
}

static enum cursor_outcome read_end(struct cursor *cursor, int64_t end, struct error *error)
{
    int64_t before = cursor->next;

    if (end < cursor->next)
        return ends_early(cursor, end, error);
    cursor->short_since_us = 0;
    if (is_hole(cursor, end))
        return CURSOR_NOTHING;
    cursor->caught_up = true;
    if (cursor->next == before || cursor->phase == CURSOR_CROSSING || cursor->fence.open_index > 0)
        return CURSOR_NOTHING;
    settle_position(cursor, false);
    return CURSOR_ADVANCED;
}

static bool crosses_limit(const struct cursor *cursor, const struct log_message *message)
{
    return cursor->phase == CURSOR_CROSSING && message->offset >= cursor->limit;
}

static enum cursor_outcome read_on(struct cursor *cursor, struct log_message *message,
                                   struct error *error)
{
    if (message->kind == LOG_MESSAGE_OUT_OF_RANGE)
        return out_of_range(cursor, cursor->next, error);
    if (message->kind == LOG_MESSAGE_DAMAGED)
        return damaged(cursor, message->offset, error);
    if (crosses_limit(cursor, message)) {
        (void)is_hole(cursor, cursor->limit);
        return CURSOR_NOTHING;
    }
    if (message->kind == LOG_MESSAGE_END)
        return read_end(cursor, message->offset, error);
    if (message->offset < cursor->next || is_hole(cursor, message->offset))
        return CURSOR_NOTHING;
    enum cursor_outcome outcome = read_record(cursor, message, error);
    note_end(cursor);
    return outcome;
}

enum cursor_outcome cursor_take(struct cursor *cursor, struct log_message *message,
                                struct error *error)
{
    enum cursor_outcome outcome = CURSOR_NOTHING;
    bool current = message->fetch == cursor->fetch; /* not of a fetch replaced meanwhile */

    switch (current ? cursor->phase : CURSOR_IDLE) {
    case CURSOR_IDLE: break;
    case CURSOR_PROBING: outcome = probe(cursor, message, error); break;
    case CURSOR_VERIFYING: outcome = verify(cursor, message, error); break;
    case CURSOR_READING:
    case CURSOR_CROSSING: outcome = read_on(cursor, message, error); break;
    }
    if (message->handle != NULL)
        cursor->port->release(cursor->port, message);
    return outcome;
}

bool cursor_acknowledge(struct cursor *cursor, const struct log_fence *header,
                        int64_t append_time_us)
{
    enum fence_verdict verdict = fence_record(&cursor->fence, header);

    assert(verdict != FENCE_VOID);
    cursor->next++;
    if (append_time_us > cursor->time_us)
        cursor->time_us = append_time_us;
    if (verdict == FENCE_PART)
        return false;
    settle_position(cursor, true);
    return true;
}
