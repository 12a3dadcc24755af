/* A stream out of the index. Events lie behind each other by version, with the offset that their
 * commit ends at in front: what ends before the lane's position is acknowledged, and nothing else
 * is shown. Both bounds of as_of grow with the version, so the last one within is found by halving.
 */
#include "command-svc/history.h"

#include "command-svc/lane.h"
#include "command-svc/store_keys.h"
#include "command-svc/store_records.h"
#include "lib/core/logger.h"
#include "lib/record/avro.h"
#include "schemas/roles.h"
#include <string.h>

/* Borrowed from the index: until it is written again. */
static bool find_event(const struct history *history, int64_t version, struct text *ret_body,
                       int64_t *ret_commit_offset, struct error *error)
{
    const struct store *store = &history->lane->store;
    struct store_key key;
    struct text value;

    if (!store_key_event(history->aggregate->name, history->id, version, &key, error) ||
        !index_find(store->index, INDEX_EVENTS, store_key_text(&key), &value, error))
        return false;
    if (value.bytes == NULL || value.size < sizeof(*ret_commit_offset))
        return error_set(error, FAULT_INDEX_FAILED, "version %lld of %s/%.*s is missing",
                         (long long)version, history->aggregate->name, TEXT_ARGS(history->id));
    memcpy(ret_commit_offset, value.bytes, sizeof(*ret_commit_offset));
    *ret_body = (struct text){value.bytes + sizeof(*ret_commit_offset),
                              value.size - sizeof(*ret_commit_offset)};
    return true;
}

static bool is_within(const struct history *history, int64_t version, bool *ret_within,
                      struct error *error)
{
    const struct lane *lane = history->lane;
    struct stored_event stored;
    struct text body;
    int64_t commit_offset;

    if (!find_event(history, version, &body, &commit_offset, error))
        return false;
    *ret_within =
        commit_offset < lane->position.next &&
        (history->as_of.offset == LOG_OFFSET_NONE || commit_offset <= history->as_of.offset);
    if (!*ret_within || history->as_of_time_us == INT64_MAX)
        return true;
    arena_reset(lane->arena);
    if (!avro_decode(&stored_event_record, body, lane->arena, &stored, error))
        return false;
    *ret_within = stored.time_us <= history->as_of_time_us;
    return true;
}

/* The last version within the bounds, 0 if there is none, out of those up to `newest`. */
static bool find_last(const struct history *history, int64_t newest, int64_t *ret_version,
                      struct error *error)
{
    int64_t within = 0, beyond = newest + 1, version = newest; /* most ask for all of it */

    while (beyond - within > 1) {
        bool is_one;
        if (!is_within(history, version, &is_one, error))
            return false;
        if (is_one)
            within = version;
        else
            beyond = version;
        version = within + (beyond - within) / 2;
    }
    *ret_version = within;
    return true;
}

static struct uuid uuid_of(struct text bytes)
{
    struct uuid id = {{0}};

    if (bytes.size == sizeof(id.bytes))
        memcpy(id.bytes, bytes.bytes, sizeof(id.bytes));
    return id;
}

static bool read_event(struct history *history, int64_t version, struct history_event *ret_event,
                       struct error *error)
{
    struct arena *arena = history->arena;
    struct stored_event stored;
    struct text body;

    if (!find_event(history, version, &body, &ret_event->commit_offset, error))
        return false;
    struct text copy = arena_copy_text(arena, body);
    if (copy.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "reading a history");
    if (!avro_decode(&stored_event_record, copy, arena, &stored, error))
        return error_add(error, "an event in the index");
    ret_event->event = (struct log_event){
        .id = uuid_of(stored.id),
        .type = stored.type,
        .subject = history->id,
        .time_us = stored.time_us,
        .version = version,
        .command_id = uuid_of(stored.command_id),
        .correlation_id = uuid_of(stored.correlation_id),
        .causation_id = uuid_of(stored.causation_id),
        .actor = stored.actor,
        .payload = stored.payload,
    };
    if (stored.trace.size == sizeof(ret_event->event.trace))
        memcpy(&ret_event->event.trace, stored.trace.bytes, stored.trace.size);
    return true;
}

static bool read_page(struct history *history, struct error *error)
{
    int64_t left = history->version - history->from_version + 1;
    size_t count = (size_t)(left < history->limit ? left : history->limit), bytes = 0;

    if (left <= 0)
        return true;
    history->events = arena_alloc(history->arena, count * sizeof(*history->events));
    if (history->events == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "reading a history");
    while (history->event_count < count && bytes < HISTORY_BYTES_MAX) {
        struct history_event *event = &history->events[history->event_count];
        if (!read_event(history, history->from_version + (int64_t)history->event_count, event,
                        error))
            return false;
        bytes += event->event.payload.size;
        history->event_count++;
    }
    return true;
}

static bool may_read(const struct history *history, const void *root)
{
    const char *owner = history->aggregate->owner;

    if ((history->caller.roles & ROLE_ADMIN) != 0)
        return true;
    if (owner == NULL)
        return false;
    const struct field *field = record_find_field(history->aggregate->root, owner);
    return text_is(*(const struct text *)((const char *)root + field->offset),
                   history->caller.subject);
}

/* Of a stream that this index does not have, an owner may say that there is none. */
static bool knows_all(const struct lane *lane)
{
    int64_t end = log_partition_end(lane->log);

    return log_partition_state(lane->log) == LOG_SERVING ||
           (end != LOG_OFFSET_NONE && lane->position.next >= end);
}

static bool read_history(struct history *history, struct error *error)
{
    struct lane *lane = history->lane;
    struct loaded loaded = {.aggregate = history->aggregate, .id = history->id};
    int64_t newest;

    arena_reset(lane->arena);
    if (!store_load(&lane->store, &loaded, lane->arena, error))
        return false;
    bool may = loaded.version > 0 && may_read(history, loaded.root);
    newest = loaded.version;
    if (newest > 0 && !find_last(history, newest, &history->version, error))
        return false;
    if (newest == 0 && !knows_all(lane))
        return error_set(error, FAULT_NOT_READY, "the index is behind");
    if (newest == 0 || history->version == 0)
        history->problem = &problem_stream_not_found;
    else if (!may)
        history->problem = &problem_forbidden;
    return history->problem != NULL || read_page(history, error);
}

static bool is_reached(const struct lane *lane, struct history *history,
                       const struct log_mark *mark)
{
    static const struct uuid none;

    if (uuid_equal(&lane->position.log, &none))
        return false;
    if (!uuid_equal(&lane->position.log, &mark->log)) {
        history->problem = &problem_unknown_position;
        return true;
    }
    return mark->offset < lane->position.next;
}

static bool all_reached(const struct lane *lane, struct history *history)
{
    if (history->as_of.offset != LOG_OFFSET_NONE && !is_reached(lane, history, &history->as_of))
        return false;
    for (size_t i = 0; i < history->wait_count; i++)
        if (!is_reached(lane, history, &history->wait_for[i]))
            return false;
    return true;
}

bool history_look_up(struct lane *lane, struct history *history)
{
    struct error error;

    history->mark = (struct log_mark){
        .context = text_of(lane->store.context->name),
        .partition = lane->number,
        .offset = lane->position.last_offset,
        .log = lane->position.log,
    };
    if (log_partition_state(lane->log) == LOG_STOPPED) {
        history->fault = log_partition_error(lane->log)->fault;
        return true;
    }
    if (!all_reached(lane, history))
        return false;
    if (history->problem != NULL || read_history(history, &error))
        return true;
    if (!fault_entry(error.fault)->retryable)
        log_error("history_failed", LOG_TEXT("request_id", history->request_id), LOG_ERROR(&error));
    history->fault = error.fault;
    return true;
}
