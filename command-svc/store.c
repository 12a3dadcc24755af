/* Loads aggregates and stages commits of events. */
#include "command-svc/store.h"

#include "command-svc/contexts.h"
#include "command-svc/store_deadlines.h"
#include "command-svc/store_keys.h"
#include "command-svc/store_reactions.h"
#include "command-svc/store_records.h"
#include "command-svc/store_refold.h"
#include "command-svc/store_states.h"
#include "lib/record/avro.h"
#include <assert.h>
#include <string.h>

#define STORE_LAYOUT 7

bool store_load(const struct store *store, struct loaded *loaded, struct arena *arena,
                struct error *error)
{
    int64_t revision;

    if (!states_load(store, loaded, arena, &revision, error))
        return false;
    if (revision == loaded->aggregate->revision)
        return true;
    return store_refold(store, loaded, error) &&
           states_load(store, loaded, arena, &revision, error);
}

bool store_find_command(const struct store *store, const struct uuid *command_id,
                        struct arena *arena, struct remembered *ret_remembered, bool *ret_found,
                        struct error *error)
{
    struct text key = {(const char *)command_id->bytes, sizeof(command_id->bytes)};
    struct text stored;

    *ret_found = false;
    if (!index_find(store->index, INDEX_COMMANDS, key, &stored, error))
        return false;
    if (stored.bytes == NULL)
        return true;
    struct text copy = arena_copy_text(arena, stored);
    if (copy.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "finding a command");
    *ret_found = true;
    return avro_decode(&remembered_record, copy, arena, ret_remembered, error);
}

static struct text uuid_bytes(const struct uuid *uuid)
{
    return (struct text){(const char *)uuid->bytes, sizeof(uuid->bytes)};
}

static bool stage_event(const struct store *store, const struct loaded *loaded,
                        const struct log_event *event, int64_t commit_offset, struct error *error)
{
    struct store_key key;
    struct stored_event stored = {
        .id = uuid_bytes(&event->id),
        .type = event->type,
        .time_us = event->time_us,
        .command_id = uuid_bytes(&event->command_id),
        .correlation_id = uuid_bytes(&event->correlation_id),
        .causation_id = uuid_bytes(&event->causation_id),
        .actor = event->actor,
        .trace = {(const char *)&event->trace, sizeof(event->trace)},
        .payload = event->payload,
    };
    struct stored_put put = {
        .record = &stored_event_record,
        .value = &stored,
        .front = {(const char *)&commit_offset, sizeof(commit_offset)},
    };

    return store_key_event(loaded->aggregate->name, loaded->id, event->version, &key, error) &&
           store_put(store, INDEX_EVENTS, store_key_text(&key), &put, error);
}

bool store_stage(const struct store *store, struct loaded *loaded,
                 const struct recorded_event *events, size_t count, struct arena *arena,
                 struct error *error)
{
    const struct log_event *last = events[count - 1].envelope;

    for (size_t i = 0; i < count; i++)
        if (!states_fold(store, loaded, &events[i], arena, error) ||
            !stage_event(store, loaded, events[i].envelope, last->offset, error))
            return false;
    struct remembered remembered = {
        .subject = loaded->id,
        .version = loaded->version,
        .request_hash = {(const char *)last->request_hash, sizeof(last->request_hash)},
        .time_us = last->time_us,
        .lasting = !uuid_equal(&last->causation_id, &last->command_id),
    };
    loaded->hurries = loaded->aggregate->deadlines != NULL;
    return deadlines_stage(store, loaded, events, count, error) &&
           triggers_stage(store, loaded, events, count, error) &&
           states_put_root(store, loaded, error) &&
           store_put(store, INDEX_COMMANDS, uuid_bytes(&last->command_id),
                     &(struct stored_put){&remembered_record, &remembered, {0}}, error);
}

const struct aggregate *store_find_aggregate(const struct store *store, struct text name)
{
    for (const struct aggregate *const *a = store->context->aggregates; *a != NULL; a++)
        if (text_is(name, (*a)->name))
            return *a;
    return NULL;
}

/* ce_source is "/<context>/<aggregate>". */
static const struct aggregate *aggregate_of(const struct store *store, struct text source)
{
    size_t skipped = strlen(store->context->name) + 2;

    if (source.size < skipped)
        return NULL;
    return store_find_aggregate(store,
                                (struct text){source.bytes + skipped, source.size - skipped});
}

static bool decode_event(const struct store *store, const struct log_event *event,
                         struct arena *arena, struct recorded_event *ret_event, struct error *error)
{
    uint32_t schema_id;

    if (!avro_frame((const uint8_t *)event->payload.bytes, event->payload.size, &schema_id))
        return error_set(error, FAULT_DATA_CORRUPT, "no schema id at offset %lld",
                         (long long)event->offset);
    const struct record *record = avro_find_record(store->context->events, schema_id);
    if (record == NULL)
        return error_set(error, FAULT_SCHEMA_UNKNOWN, "schema id %u at offset %lld", schema_id,
                         (long long)event->offset);
    void *value = arena_alloc(arena, record->size);
    if (value == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "decoding a %s", record->name);
    *ret_event = (struct recorded_event){
        .envelope = event,
        .kind = store_event_kind(store, record),
        .value = value,
        .place = event->fence.term + event->fence.seq,
    };
    return avro_decode_framed(record, event->payload, arena, value, error);
}

bool store_apply(const struct store *store, const struct log_event *events, size_t count,
                 struct arena *arena, struct error *error)
{
    const struct aggregate *aggregate = aggregate_of(store, events[0].source);
    struct recorded_event *recorded = arena_alloc(arena, count * sizeof(*recorded));
    struct loaded loaded = {.aggregate = aggregate, .id = events[0].subject};

    if (aggregate == NULL)
        return error_set(error, FAULT_SCHEMA_UNKNOWN, "aggregate %.*s",
                         TEXT_ARGS(events[0].source));
    if (recorded == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "applying %zu events", count);
    for (size_t i = 0; i < count; i++)
        if (!decode_event(store, &events[i], arena, &recorded[i], error))
            return false;
    return store_load(store, &loaded, arena, error) &&
           store_stage(store, &loaded, recorded, count, arena, error);
}

int store_event_kind(const struct store *store, const struct record *record)
{
    for (int i = 0; store->context->events[i] != NULL; i++)
        if (store->context->events[i] == record)
            return i;
    assert(false);
    return -1;
}

static uint32_t mix(uint32_t format, const char *string)
{
    for (; string != NULL && *string != '\0'; string++)
        format = format * 31 + (uint8_t)*string;
    return format * 31;
}

static uint32_t mix_deadlines(uint32_t format, const struct aggregate *aggregate)
{
    if (aggregate->deadlines == NULL)
        return format;
    for (int kind = 0; aggregate->event_records[kind] != NULL; kind++) {
        const struct aggregate_event *line = &aggregate->events[kind];
        format = mix(mix(mix(format, line->sets), line->due), line->clears);
    }
    return format;
}

static uint32_t mix_reactions(uint32_t format, const struct context *context)
{
    if (context->reactions == NULL)
        return format;
    for (const struct reaction *const *r = context->reactions; *r != NULL; r++)
        for (const struct record *const *event = (*r)->events; *event != NULL; event++)
            format = mix(format, (*event)->full_name);
    return format;
}

uint32_t store_format(void)
{
    uint32_t format = STORE_LAYOUT;

    for (const struct context *const *c = contexts; *c != NULL; c++)
        format = mix_reactions(format, *c);
    for (const struct context *const *c = contexts; *c != NULL; c++)
        for (const struct aggregate *const *a = (*c)->aggregates; *a != NULL; a++)
            format = mix_deadlines(mix(format, (*a)->name), *a);
    return format;
}
