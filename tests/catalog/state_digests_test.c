/* The states that recorded events give, as one digest per aggregate: an evolve that gives other
 * states needs another revision, because the index holds those that it has folded before. */
#include "command-svc/command.h"
#include "lib/core/arena.h"
#include "lib/core/id.h"
#include "lib/record/avro.h"
#include "lib/record/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STREAMS_MAX 64
#define PARTS_MAX   256
#define STATE_SIZE  512
#define MEMORY_MAX  (16 * 1024 * 1024)
#define EVENTS_FILE RECORDED_EVENTS
#define TIME_US     INT64_C(1767225600000000) /* of every event: the file does not tell */

struct golden {
    const char *aggregate;
    int revision;
    const char *digest;
};

/* A new revision gets a new line here; an old line is never changed. */
static const struct golden goldens[] = {
    {"product", 1, "0d7c6387-fa1c-5941-a4a1-5515a1b295c1"},
};

struct part {
    struct text id;
    struct part_slot slot;
    _Alignas(16) uint8_t state[STATE_SIZE];
};

struct stream {
    char id[UUID_TEXT_SIZE];
    _Alignas(16) uint8_t root[STATE_SIZE];
    struct part parts[PARTS_MAX];
    size_t part_count;
};

extern const struct context catalog_context;
static struct stream streams[STREAMS_MAX];
static size_t stream_count;

static struct stream *find_stream(const char *id)
{
    for (size_t i = 0; i < stream_count; i++)
        if (strcmp(streams[i].id, id) == 0)
            return &streams[i];
    assert_true(stream_count < STREAMS_MAX);
    memcpy(streams[stream_count].id, id, UUID_TEXT_SIZE);
    return &streams[stream_count++];
}

static struct part_slot *find_slot(struct stream *stream, struct text id)
{
    for (size_t i = 0; i < stream->part_count; i++)
        if (text_equal(stream->parts[i].id, id))
            return &stream->parts[i].slot;
    assert_true(stream->part_count < PARTS_MAX);
    struct part *part = &stream->parts[stream->part_count++];
    part->id = id;
    part->slot.state = part->state;
    return &part->slot;
}

static void evolve(const struct aggregate *aggregate, struct stream *stream,
                   const struct event *event)
{
    const char *name = aggregate->events[event->kind].part;
    struct part_slot *slot = NULL;

    if (name != NULL) {
        const struct field *field = record_find_field(aggregate->event_records[event->kind], name);
        slot =
            find_slot(stream, *(const struct text *)((const char *)event->value + field->offset));
    }
    aggregate->evolve(stream->root, slot, event);
}

static uint8_t nibble(char digit)
{
    return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static struct text read_hex(const char *hex, struct arena *arena)
{
    size_t size = strspn(hex, "0123456789abcdef") / 2;
    uint8_t *bytes = arena_alloc(arena, size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    return (struct text){(const char *)bytes, size};
}

static void fold_line(const struct aggregate *aggregate, const char *line, struct arena *arena)
{
    char subject[UUID_TEXT_SIZE];
    long long version;
    int hex_at = 0;
    uint32_t schema_id;
    struct event event = {.time_us = TIME_US};
    struct error error = {0};

    assert_int_equal(sscanf(line, "%36s %lld %n", subject, &version, &hex_at), 2);
    struct text bytes = read_hex(line + hex_at, arena);
    assert_true(avro_frame((const uint8_t *)bytes.bytes, bytes.size, &schema_id));
    const struct record *record = avro_find_record(catalog_context.events, schema_id);
    assert_non_null(record);
    void *value = arena_alloc(arena, record->size);
    assert_non_null(value);
    if (!avro_decode_framed(record, bytes, arena, value, &error))
        fail_msg("%s: %s", line, error.detail);
    while (catalog_context.events[event.kind] != record)
        event.kind++;
    event.value = value;
    event.version = version;
    evolve(aggregate, find_stream(subject), &event);
}

static void fold_file(const struct aggregate *aggregate, struct arena *arena)
{
    FILE *file = fopen(EVENTS_FILE, "r");
    char *line = NULL;
    size_t capacity = 0, events = 0;

    assert_non_null(file);
    while (getline(&line, &capacity, file) > 0)
        if (line[0] != '#') {
            fold_line(aggregate, line, arena);
            events++;
        }
    free(line);
    (void)fclose(file);
    assert_true(events > 100);
}

/* As the index keeps them: states of the order in which the file names them. */
static void digest(const struct aggregate *aggregate, char ret_digest[static UUID_TEXT_SIZE])
{
    static const struct uuid name_space;
    struct buffer all;
    size_t parts = 0;

    buffer_init(&all, MEMORY_MAX);
    for (size_t i = 0; i < stream_count; i++) {
        buffer_print(&all, "%s ", streams[i].id);
        json_write(aggregate->root, streams[i].root, &all);
        for (size_t p = 0; p < streams[i].part_count; p++) {
            const struct part *part = &streams[i].parts[p];
            buffer_print(&all, "\n%.*s ", TEXT_ARGS(part->id));
            if (part->slot.present)
                json_write(aggregate->part, part->slot.state, &all);
            parts += part->slot.present;
        }
        buffer_put_byte(&all, '\n');
    }
    assert_false(all.failed);
    assert_true(parts > 0);
    struct uuid sum = uuid_v5(&name_space, all.bytes, all.size);
    uuid_format(&sum, ret_digest);
    buffer_done(&all);
}

static const struct golden *find_golden(const struct aggregate *aggregate)
{
    for (size_t i = 0; i < COUNT_OF(goldens); i++)
        if (strcmp(goldens[i].aggregate, aggregate->name) == 0 &&
            goldens[i].revision == aggregate->revision)
            return &goldens[i];
    return NULL;
}

static void recorded_events_give_the_states_of_the_revision(void **unused)
{
    (void)unused;
    for (const struct aggregate *const *at = catalog_context.aggregates; *at != NULL; at++) {
        struct arena arena;
        char found[UUID_TEXT_SIZE];

        memset(streams, 0, sizeof(streams));
        stream_count = 0;
        arena_init(&arena, MEMORY_MAX);
        assert_true((*at)->root->size <= STATE_SIZE && (*at)->part->size <= STATE_SIZE);
        fold_file(*at, &arena);
        digest(*at, found);
        arena_done(&arena);
        const struct golden *golden = find_golden(*at);
        if (golden == NULL)
            fail_msg("%s revision %d has no golden digest; it would be %s", (*at)->name,
                     (*at)->revision, found);
        else if (strcmp(golden->digest, found) != 0)
            fail_msg("%s revision %d gives other states (%s): it needs a new revision", (*at)->name,
                     (*at)->revision, found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_events_give_the_states_of_the_revision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
