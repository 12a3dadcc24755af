/* Any bytes as a body: for an event of catalog and for a record with a field of every kind. What is
 * accepted must come back the same when it is written and read again, and be the same when its
 * first name has an escape, which takes it off the short way. */
#include "lib/record/json.h"

#include "schemas/catalog/events.h"
#include "tests/lib/record_sample.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ARENA_MAX  (1 << 24)
#define BUFFER_MAX (1 << 24)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_errors(const struct field_errors *errors)
{
    assert(errors->count > 0 && errors->count <= FIELD_ERRORS_MAX);
    for (size_t i = 0; i < errors->count; i++) {
        const struct field_error *entry = &errors->entries[i];
        assert(entry->field != NULL && entry->code != NULL && entry->message != NULL);
    }
}

static void check_round_trip(const struct record *record, const void *value, struct arena *arena)
{
    struct json_reading reading = {.arena = arena};
    struct buffer out;
    void *again = arena_alloc(arena, record->size);

    assert(again != NULL);
    buffer_init(&out, BUFFER_MAX);
    json_write(record, value, &out);
    assert(!out.failed);
    assert(json_read(record, buffer_text(&out), &reading, again) == JSON_OK);
    assert(same_record(record, value, again));
    buffer_done(&out);
}

static void check_long_way(const struct record *record, struct text body, const void *value,
                           struct arena *arena)
{
    struct json_reading reading = {.arena = arena};
    const char *quote = memchr(body.bytes, '"', body.size);
    char *escaped = arena_alloc(arena, body.size + 7);
    void *again = arena_alloc(arena, record->size);

    assert(escaped != NULL && again != NULL);
    if (quote == NULL || quote[1] == '\\')
        return;
    size_t before = (size_t)(quote + 1 - body.bytes);
    memcpy(escaped, body.bytes, before);
    snprintf(escaped + before, 7, "\\u%04x", (unsigned)quote[1]);
    memcpy(escaped + before + 6, quote + 2, body.size - before - 1);
    assert(json_read(record, (struct text){escaped, body.size + 5}, &reading, again) == JSON_OK);
    assert(same_record(record, value, again));
}

static void read_as(const struct record *record, struct text body)
{
    struct arena arena;
    struct json_reading reading = {.arena = &arena};

    arena_init(&arena, ARENA_MAX);
    void *value = arena_alloc(&arena, record->size);
    assert(value != NULL);
    enum json_outcome outcome = json_read(record, body, &reading, value);
    if (outcome == JSON_OK) {
        check_round_trip(record, value, &arena);
        check_long_way(record, body, value, &arena);
    }
    if (outcome == JSON_INVALID)
        check_errors(&reading.errors);
    assert(outcome != JSON_MALFORMED || reading.where != NULL);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct text body = {(const char *)bytes, size};

    read_as(&product_listed_record, body);
    read_as(&sample_record, body);
    return 0;
}
