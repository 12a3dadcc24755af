/* The readers' rule as docs/ARCHITECTURE.md has it, written down a second time. */
#include "tests/simulation/history.h"

#include "command-svc/contexts.h"
#include "lib/core/trace.h"
#include "lib/record/avro.h"
#include "tests/simulation/world.h"
#include "tests/support/sim_records.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_BYTES_MAX ((size_t)512 * 1024 * 1024)

/* A partition being read. */
struct reading {
    const struct world *world;
    struct history *history;
    int context;
    int32_t partition;
    int64_t term, seq;
    int open, open_count; /* of the commit: records seen, records announced */
    struct history_commit commit;
};

static struct text find_header(const struct sim_record *record, const char *name)
{
    for (size_t i = 0; i < record->header_count; i++)
        if (text_is(record->headers[i].name, name))
            return record->headers[i].value;
    return (struct text){0};
}

static int attempt_of(const struct sim_record *record)
{
    struct trace_context trace;
    int number;

    if (!trace_parse(find_header(record, "traceparent"), &trace))
        return -1;
    memcpy(&number, &trace.trace_id[8], sizeof(number));
    return number;
}

static void read_hash(struct text value, uint8_t hash[static REQUEST_HASH_SIZE])
{
    unsigned byte;

    memset(hash, 0, REQUEST_HASH_SIZE);
    for (size_t i = 0; i < REQUEST_HASH_SIZE && value.size == (size_t)2 * REQUEST_HASH_SIZE; i++)
        if (sscanf(value.bytes + 2 * i, "%2x", &byte) == 1)
            hash[i] = (uint8_t)byte;
}

static int kind_of(const struct record *const *events, const struct record *record)
{
    int kind = 0;

    while (events[kind] != record)
        kind++;
    return kind;
}

/* "/context/aggregate" */
static const struct aggregate *aggregate_of(const struct reading *reading, struct text source)
{
    const struct context *context = contexts[reading->context];
    size_t skipped = strlen(context->name) + 2;

    for (const struct aggregate *const *a = context->aggregates; *a != NULL; a++)
        if (source.size > skipped &&
            text_is((struct text){source.bytes + skipped, source.size - skipped}, (*a)->name))
            return *a;
    world_fail(reading->world, "a valid record of no known aggregate");
}

static void read_event(struct reading *reading, const struct sim_record *record,
                       struct history_event *event)
{
    struct arena *arena = &reading->history->arena;
    struct error error;
    uint32_t schema_id = 0;

    *event = (struct history_event){.payload = record->value};
    bool framed = avro_frame((const uint8_t *)record->value.bytes, record->value.size, &schema_id);
    const struct record *const *events = contexts[reading->context]->events;
    event->record = framed ? avro_find_record(events, schema_id) : NULL;
    if (event->record == NULL)
        world_fail(reading->world, "a valid record of no known type");
    void *value = arena_alloc_zeroed(arena, event->record->size);
    assert(value != NULL);
    if (!avro_decode_framed(event->record, record->value, arena, value, &error))
        world_fail(reading->world, "a valid record cannot be read: %s", error.detail);
    event->seen = (struct event){.kind = kind_of(events, event->record), .value = value};
    (void)text_to_integer(find_header(record, "ce_version"), &event->seen.version);
    (void)uuid_parse(find_header(record, "ce_id"), &event->id);
}

static void complete(struct reading *reading, const struct sim_record *record, int64_t offset)
{
    struct history *history = reading->history;
    struct history_commit *commit = &reading->commit;

    commit->context = reading->context;
    commit->partition = reading->partition;
    commit->last_offset = offset;
    commit->appended_us = record->appended_us;
    commit->count = reading->open_count;
    commit->attempt = attempt_of(record);
    commit->stream = (struct stream){
        .aggregate = aggregate_of(reading, find_header(record, "ce_source")),
        .id = find_header(record, "ce_subject"),
    };
    (void)uuid_parse(find_header(record, "ce_commandid"), &commit->command_id);
    read_hash(find_header(record, "ce_requesthash"), commit->request_hash);
    history->commits =
        realloc(history->commits, ((size_t)history->commit_count + 1) * sizeof(*history->commits));
    assert(history->commits != NULL);
    history->commits[history->commit_count++] = *commit;
}

static void take_valid(struct reading *reading, const struct sim_record *record, int64_t offset,
                       int count)
{
    bool platform = text_starts_with(find_header(record, "ce_type"), "sijang.platform.");

    if (reading->open == 0) {
        reading->open_count = count;
        reading->commit = (struct history_commit){.first_offset = offset};
        reading->commit.events = arena_alloc_zeroed(
            &reading->history->arena, (size_t)count * sizeof(*reading->commit.events));
        assert(reading->commit.events != NULL);
    }
    if (!platform)
        read_event(reading, record, &reading->commit.events[reading->open]);
    if (++reading->open < count)
        return;
    if (!platform)
        complete(reading, record, offset);
    reading->open = 0;
}

static void read_record(struct reading *reading, const struct sim_record *record, int64_t offset)
{
    long long term, seq;
    int index, count;
    struct text fence = find_header(record, "ce_fence");
    char line[64] = "";

    struct text type = find_header(record, "ce_type");
    world_say(reading->world, "record %s/%d@%lld of %lld: %.*s %.*s",
              contexts[reading->context]->name, (int)reading->partition, (long long)offset,
              (long long)record->appended_us, TEXT_ARGS(type), TEXT_ARGS(fence));
    if (text_is(type, "sijang.platform.Claim")) {
        reading->term = offset;
        reading->seq = 0;
        reading->open = 0;
        return;
    }
    snprintf(line, sizeof(line), "%.*s", TEXT_ARGS(fence));
    bool valid = sscanf(line, "%lld.%lld.%d.%d", &term, &seq, &index, &count) == 4 &&
                 term == reading->term && seq == reading->seq + 1 && index == reading->open + 1 &&
                 (reading->open == 0 || count == reading->open_count);
    if (!valid) {
        reading->history->void_count++;
        return;
    }
    reading->seq = seq;
    take_valid(reading, record, offset, count);
}

static void read_partition(struct reading reading)
{
    const struct world *world = reading.world;
    const char *topic = world->topics[reading.context];
    int64_t end = sim_broker_end(world->broker, topic, reading.partition);

    for (int64_t offset = 0; offset < end; offset++)
        read_record(&reading, sim_broker_record(world->broker, topic, reading.partition, offset),
                    offset);
}

void history_read(struct history *history, const struct world *world)
{
    *history = (struct history){0};
    arena_init(&history->arena, HISTORY_BYTES_MAX);
    for (int context = 0; context < world->context_count; context++)
        for (int32_t partition = 0; partition < world->plan.partitions; partition++)
            read_partition((struct reading){
                .world = world,
                .history = history,
                .context = context,
                .partition = partition,
                .term = -1,
            });
}

void history_done(struct history *history)
{
    free(history->commits);
    arena_done(&history->arena);
}

const struct history_commit *history_find(const struct history *history,
                                          const struct uuid *command_id)
{
    for (int i = 0; i < history->commit_count; i++)
        if (uuid_equal(&history->commits[i].command_id, command_id))
            return &history->commits[i];
    return NULL;
}

bool stream_equal(const struct stream *a, const struct stream *b)
{
    return a->aggregate == b->aggregate && text_equal(a->id, b->id);
}

static bool touches(const struct aggregate *aggregate, const struct history_event *event,
                    struct text part_id)
{
    const struct field *field =
        record_find_field(event->record, aggregate->events[event->seen.kind].part);

    return text_equal(*(const struct text *)((const char *)event->seen.value + field->offset),
                      part_id);
}

static void apply(struct history *history, const struct aggregate *aggregate,
                  const struct history_event *event, struct text part_id, struct past *past)
{
    struct part_slot elsewhere = {0}, *slot = NULL;

    if (aggregate->events[event->seen.kind].part != NULL) {
        bool wanted = part_id.bytes != NULL && touches(aggregate, event, part_id);
        slot = wanted ? &past->slot : &elsewhere;
        if (!wanted)
            elsewhere.state = arena_alloc_zeroed(&history->arena, aggregate->part->size);
    }
    aggregate->evolve(past->root, slot, &event->seen);
    past->version = event->seen.version;
}

static void begin(struct history *history, const struct aggregate *aggregate, struct past *past)
{
    *past = (struct past){.to_us = INT64_MAX};
    past->root = arena_alloc_zeroed(&history->arena, aggregate->root->size);
    if (aggregate->part != NULL)
        past->slot.state = arena_alloc_zeroed(&history->arena, aggregate->part->size);
    assert(past->root != NULL);
}

bool history_past(struct history *history, const struct stream *stream, int commits,
                  struct text part_id, struct past *ret_past)
{
    struct past past;

    begin(history, stream->aggregate, &past);
    for (int i = 0; i < history->commit_count; i++) {
        const struct history_commit *commit = &history->commits[i];
        if (!stream_equal(&commit->stream, stream))
            continue;
        if (commits-- == 0) {
            past.to_us = commit->appended_us;
            break;
        }
        past.from_us = commit->appended_us;
        for (int e = 0; e < commit->count; e++)
            apply(history, stream->aggregate, &commit->events[e], part_id, &past);
    }
    *ret_past = past;
    return commits <= 0;
}
