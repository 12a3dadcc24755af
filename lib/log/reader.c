/* The readers' side: polls the port, lets a cursor per partition judge, hands on whole commits.
 * Events and their messages stay until the next poll. */
#include "lib/log/reader.h"

#include "lib/core/arena.h"
#include "lib/log/cursor.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MESSAGES_MAX 2048
#define EVENTS_BYTES_MAX  ((size_t)256 * 1024 * 1024)

struct reader_source {
    struct cursor cursor;
    bool stopped;
    bool moved;                    /* since the handler last heard of the position */
    struct log_position *expected; /* that the log must pass through, in no order */
    size_t expected_count;
};

struct log_reader {
    struct log_port *port;
    struct log_reader_handler handler;
    int32_t partition_count;
    struct reader_source *
        *sources; /* by the port's number, which counts from 0 in order of attachment */
    int32_t source_count;
    struct log_reader_statistics statistics;
    struct log_message messages[POLL_MESSAGES_MAX];
    struct log_message *spent; /* of delivered commits */
    size_t spent_count;
    size_t spent_capacity;
    struct arena events; /* delivered ones */
};

struct log_reader *log_reader_create(struct log_port *port,
                                     const struct log_reader_handler *handler,
                                     int32_t partition_count, struct error *error)
{
    struct log_reader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "log reader");
        return NULL;
    }
    reader->port = port;
    reader->handler = *handler;
    reader->partition_count = partition_count;
    arena_init(&reader->events, EVENTS_BYTES_MAX);
    return reader;
}

static void release_spent(struct log_reader *reader)
{
    for (size_t i = 0; i < reader->spent_count; i++)
        reader->port->release(reader->port, &reader->spent[i]);
    reader->spent_count = 0;
    arena_reset(&reader->events);
}

void log_reader_destroy(struct log_reader *reader)
{
    if (reader == NULL)
        return;
    release_spent(reader);
    for (int32_t i = 0; i < reader->source_count; i++) {
        cursor_done(&reader->sources[i]->cursor);
        free(reader->sources[i]->expected);
        free(reader->sources[i]);
    }
    free(reader->sources);
    free(reader->spent);
    arena_done(&reader->events);
    free(reader);
}

static bool add_source(struct log_reader *reader, int32_t source, struct error *error)
{
    assert(source == reader->source_count);
    struct reader_source **grown =
        realloc(reader->sources, ((size_t)source + 1) * sizeof(struct reader_source *));
    if (grown == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "log reader");
    reader->sources = grown;
    struct reader_source *added = calloc(1, sizeof(*added));
    if (added == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "log reader");
    cursor_init(&added->cursor, reader->port, source, &reader->statistics);
    added->cursor.partition_count = reader->partition_count;
    reader->sources[source] = added;
    reader->source_count = source + 1;
    return true;
}

bool log_reader_attach(struct log_reader *reader, const struct log_reading *reading,
                       int32_t *ret_source, struct error *error)
{
    int32_t source;

    if (!reader->port->open(reader->port, reading->topic, reading->partition, &source, error))
        return error_add(error, "reading %s/%d", reading->topic, reading->partition);
    if (source == reader->source_count && !add_source(reader, source, error))
        return false;
    reader->sources[source]->stopped = false;
    reader->sources[source]->moved = false;
    reader->sources[source]->expected_count = 0;
    cursor_attach(&reader->sources[source]->cursor, reading->from);
    *ret_source = source;
    return true;
}

bool log_reader_expect(struct log_reader *reader, int32_t number,
                       const struct log_position *position, struct error *error)
{
    struct reader_source *source = reader->sources[number];
    struct log_position *grown =
        realloc(source->expected, (source->expected_count + 1) * sizeof(*grown));

    if (grown == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "log reader");
    source->expected = grown;
    grown[source->expected_count++] = *position;
    return true;
}

void log_reader_detach(struct log_reader *reader, int32_t source)
{
    cursor_pause(&reader->sources[source]->cursor);
    reader->sources[source]->moved = false;
}

static bool make_room(struct log_reader *reader, size_t wanted)
{
    size_t capacity = reader->spent_capacity == 0 ? POLL_MESSAGES_MAX : reader->spent_capacity;

    while (capacity < reader->spent_count + wanted)
        capacity *= 2;
    if (capacity == reader->spent_capacity)
        return true;
    struct log_message *grown = realloc(reader->spent, capacity * sizeof(*grown));
    if (grown == NULL)
        return false;
    reader->spent = grown;
    reader->spent_capacity = capacity;
    return true;
}

static void stop(struct log_reader *reader, int32_t number, const struct error *error)
{
    struct reader_source *source = reader->sources[number];

    source->stopped = true;
    source->moved = false;
    cursor_pause(&source->cursor);
    reader->handler.stopped(reader->handler.self, number, error);
}

static void deliver(struct log_reader *reader, int32_t number)
{
    struct reader_source *source = reader->sources[number];
    struct cursor *cursor = &source->cursor;
    size_t count = cursor->event_count;
    struct log_event *events = arena_alloc(&reader->events, count * sizeof(*events));
    struct error error;

    if (events == NULL || !make_room(reader, count)) {
        error_set(&error, FAULT_OUT_OF_MEMORY, "%zu events of one poll", count);
        stop(reader, number, &error);
        return;
    }
    memcpy(events, cursor->events, count * sizeof(*events));
    cursor_surrender(cursor, reader->spent + reader->spent_count);
    reader->spent_count += count;
    source->moved = false;
    reader->handler.commit(reader->handler.self, number, events, count, &cursor->position);
}

/* Between commits, at the record the position stands behind. */
static bool stands_at(const struct cursor *cursor, const struct log_position *position)
{
    return cursor->fence.open_index == 0 && uuid_equal(&cursor->position.log, &position->log) &&
           cursor->position.last_offset == position->last_offset &&
           cursor->position.term == position->term && cursor->position.seq == position->seq;
}

/* The cursor is about to read what lies at `offset`, or knows that the log ends there. */
static bool passes_expected(struct reader_source *source, int64_t offset, bool is_end,
                            struct error *error)
{
    for (size_t i = source->expected_count; i-- > 0;) {
        const struct log_position *position = &source->expected[i];
        if (is_end && offset < position->next)
            return error_set(error, FAULT_LOG_TRUNCATED,
                             "the log ends at %lld, it was read up to %lld", (long long)offset,
                             (long long)position->next);
        if (is_end || offset < position->next)
            continue;
        if (!stands_at(&source->cursor, position))
            return error_set(error, FAULT_LOG_REPLACED,
                             "other records than before lie ahead of %lld",
                             (long long)position->next);
        source->expected[i] = source->expected[--source->expected_count];
    }
    return true;
}

/* Nothing is missing before it, or nothing will come. */
static bool is_next(const struct cursor *cursor, const struct log_message *message)
{
    return cursor->phase == CURSOR_READING && message->fetch == cursor->fetch &&
           (message->offset == cursor->next || cursor->hole == cursor->next);
}

static bool is_expected(struct reader_source *source, const struct log_message *message,
                        struct error *error)
{
    bool is_end = message->kind == LOG_MESSAGE_END;

    if (source->expected_count == 0 || !is_next(&source->cursor, message) ||
        (!is_end && message->kind != LOG_MESSAGE_RECORD))
        return true;
    return passes_expected(source, message->offset, is_end, error);
}

static void take(struct log_reader *reader, struct log_message *message)
{
    int32_t number = message->source;
    struct reader_source *source = reader->sources[number];
    struct error error;

    assert(number >= 0 && number < reader->source_count);
    if (!is_expected(source, message, &error)) {
        if (message->handle != NULL)
            reader->port->release(reader->port, message);
        stop(reader, number, &error);
        return;
    }
    switch (cursor_take(&source->cursor, message, &error)) {
    case CURSOR_NOTHING: break;
    case CURSOR_ADVANCED: source->moved = true; break;
    case CURSOR_COMMIT: deliver(reader, number); break;
    case CURSOR_PLATFORM:
        cursor_release(&source->cursor);
        source->moved = true;
        break;
    case CURSOR_STOPPED: stop(reader, number, &error); break;
    case CURSOR_DEPOSED: assert(false); break; /* only owners cross */
    }
}

static void tell_moved(struct log_reader *reader)
{
    for (int32_t i = 0; i < reader->source_count; i++) {
        struct reader_source *source = reader->sources[i];
        if (!source->moved)
            continue;
        source->moved = false;
        reader->handler.advanced(reader->handler.self, i, &source->cursor.position);
    }
}

static size_t poll_once(struct log_reader *reader, size_t max)
{
    size_t wanted = max < POLL_MESSAGES_MAX ? max : POLL_MESSAGES_MAX;
    size_t count = reader->port->poll(reader->port, reader->messages, wanted);

    for (size_t i = 0; i < count; i++)
        take(reader, &reader->messages[i]);
    return count;
}

size_t log_reader_poll(struct log_reader *reader, size_t records_max, int timeout_ms)
{
    int64_t before = reader->statistics.records, now_us = reader->port->boot_us(reader->port);
    size_t total = 0, count;
    bool waited = timeout_ms == 0;

    release_spent(reader);
    for (int32_t i = 0; i < reader->source_count; i++)
        cursor_tick(&reader->sources[i]->cursor, now_us);
    while (total < records_max) {
        count = poll_once(reader, records_max - total);
        total += count;
        if (count > 0)
            continue;
        if (total > 0 || waited)
            break;
        reader->port->wait(reader->port, timeout_ms);
        waited = true;
    }
    tell_moved(reader);
    return (size_t)(reader->statistics.records - before);
}

bool log_reader_at_end(const struct log_reader *reader)
{
    for (int32_t i = 0; i < reader->source_count; i++)
        if (!reader->sources[i]->cursor.caught_up)
            return false;
    return true;
}

static const struct cursor *cursor_of(const struct log_reader *reader, int32_t source)
{
    assert(source >= 0 && source < reader->source_count);
    return &reader->sources[source]->cursor;
}

bool log_reader_source_at_end(const struct log_reader *reader, int32_t source)
{
    return cursor_of(reader, source)->caught_up;
}

int64_t log_reader_end(const struct log_reader *reader, int32_t source)
{
    const struct cursor *cursor = cursor_of(reader, source);

    return reader->port->end(reader->port, cursor->source);
}

const struct log_position *log_reader_position(const struct log_reader *reader, int32_t source)
{
    return &cursor_of(reader, source)->position;
}

const struct log_reader_statistics *log_reader_statistics(const struct log_reader *reader)
{
    return &reader->statistics;
}

bool log_reader_connected(const struct log_reader *reader)
{
    return reader->port->connected(reader->port);
}
