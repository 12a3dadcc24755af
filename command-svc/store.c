/* Loads, folds and stages aggregates. A state in the index is its version (8 bytes, as the machine
 * has them: the index never travels) and the Avro body of its record. */
#include "command-svc/store.h"

#include "command-svc/contexts.h"
#include "command-svc/store_deadlines.h"
#include "command-svc/store_keys.h"
#include "command-svc/store_reactions.h"
#include "command-svc/store_records.h"
#include "lib/record/avro.h"
#include <assert.h>
#include <string.h>

#define STORE_LAYOUT 6

/* A state: where it is kept, and what was found there. */
struct kept {
    enum index_table table;
    const struct record *record;
    int64_t version;
    bool found;
    void *value; /* zeroed if it was not found */
};

static bool load_state(const struct store *store, const struct store_key *key, struct arena *arena,
                       struct kept *kept, struct error *error)
{
    const struct record *record = kept->record;
    struct text stored;

    if (!index_find(store->index, kept->table, store_key_text(key), &stored, error))
        return false;
    kept->value = arena_alloc_zeroed(arena, record->size);
    if (kept->value == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "loading a %s", record->name);
    if (stored.bytes == NULL)
        return true;
    if (stored.size < sizeof(kept->version))
        return error_set(error, FAULT_INDEX_FAILED, "a state of %zu bytes", stored.size);
    struct text copy = arena_copy_text(arena, stored);
    if (copy.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "loading a %s", record->name);
    memcpy(&kept->version, copy.bytes, sizeof(kept->version));
    struct text body = {copy.bytes + sizeof(kept->version), copy.size - sizeof(kept->version)};
    if (!avro_decode(record, body, arena, kept->value, error))
        return error_add(error, "%s in the index", record->name);
    kept->found = true;
    return true;
}

/* The part loaded->part_id names, in place of the one before. */
static bool load_part(const struct store *store, struct loaded *loaded, struct arena *arena,
                      struct error *error)
{
    const struct aggregate *aggregate = loaded->aggregate;
    struct kept kept = {.table = INDEX_PARTS, .record = aggregate->part};
    struct store_key key;

    if (!store_key_part(aggregate->name, loaded->id, loaded->part_id, &key, error) ||
        !load_state(store, &key, arena, &kept, error))
        return false;
    loaded->slot = (struct part_slot){.present = kept.found, .state = kept.value};
    return true;
}

bool store_load(const struct store *store, struct loaded *loaded, struct arena *arena,
                struct error *error)
{
    const struct aggregate *aggregate = loaded->aggregate;
    struct kept kept = {.table = INDEX_ROOTS, .record = aggregate->root};
    struct store_key key;

    if (!store_key_root(aggregate->name, loaded->id, &key, error) ||
        !load_state(store, &key, arena, &kept, error))
        return false;
    loaded->version = kept.version;
    loaded->root = kept.value;
    return loaded->part_id.bytes == NULL || load_part(store, loaded, arena, error);
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

/* What goes into the index; states carry their version in front, events the offset that their
 * commit ends at, other records (-1) nothing. */
struct put {
    const struct record *record;
    const void *value;
    int64_t front;
};

static bool put_record(const struct store *store, enum index_table table, struct text key,
                       const struct put put, struct error *error)
{
    buffer_clear(store->scratch);
    if (put.front >= 0)
        buffer_put(store->scratch, &put.front, sizeof(put.front));
    avro_encode(put.record, put.value, store->scratch);
    if (store->scratch->failed)
        return error_set(error, FAULT_LIMIT_EXCEEDED, "a %s is too large", put.record->name);
    return index_put(store->index, table, key, buffer_text(store->scratch), error);
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

    return store_key_event(loaded->aggregate->name, loaded->id, event->version, &key, error) &&
           put_record(store, INDEX_EVENTS, store_key_text(&key),
                      (struct put){&stored_event_record, &stored, commit_offset}, error);
}

static bool stage_part(const struct store *store, const struct loaded *loaded, struct error *error)
{
    const struct aggregate *aggregate = loaded->aggregate;
    struct store_key key;

    if (!store_key_part(aggregate->name, loaded->id, loaded->part_id, &key, error))
        return false;
    if (!loaded->slot.present)
        return index_put(store->index, INDEX_PARTS, store_key_text(&key), (struct text){0}, error);
    return put_record(store, INDEX_PARTS, store_key_text(&key),
                      (struct put){aggregate->part, loaded->slot.state, loaded->version}, error);
}

/* Sees to it that the slot holds the part this event touches. */
static bool load_part_of(const struct store *store, struct loaded *loaded,
                         const struct recorded_event *event, struct arena *arena,
                         struct error *error)
{
    const struct aggregate *aggregate = loaded->aggregate;
    const char *name = aggregate->events[event->kind].part;
    const struct field *field = record_find_field(aggregate->event_records[event->kind], name);
    assert(field != NULL && field->kind == FIELD_TEXT);
    struct text part_id = *(const struct text *)((const char *)event->value + field->offset);

    if (loaded->part_id.bytes != NULL && text_equal(loaded->part_id, part_id))
        return true;
    loaded->part_id = part_id;
    return load_part(store, loaded, arena, error);
}

/* Folds the event into the states, and puts the part it touches. */
static bool fold_one(const struct store *store, struct loaded *loaded,
                     const struct recorded_event *event, struct arena *arena, struct error *error)
{
    const struct aggregate *aggregate = loaded->aggregate;
    bool has_part = aggregate->events[event->kind].part != NULL;
    struct event seen = {
        .kind = event->kind,
        .value = event->value,
        .version = event->envelope->version,
        .time_us = event->envelope->time_us,
    };

    if (seen.version != loaded->version + 1)
        return error_set(error, FAULT_DATA_CORRUPT, "%s/%.*s: version %lld follows %lld",
                         aggregate->name, TEXT_ARGS(loaded->id), (long long)seen.version,
                         (long long)loaded->version);
    if (has_part && !load_part_of(store, loaded, event, arena, error))
        return false;
    aggregate->evolve(loaded->root, has_part ? &loaded->slot : NULL, &seen);
    loaded->version = seen.version;
    return !has_part || stage_part(store, loaded, error);
}

bool store_stage(const struct store *store, struct loaded *loaded,
                 const struct recorded_event *events, size_t count, struct arena *arena,
                 struct error *error)
{
    const struct log_event *last = events[count - 1].envelope;
    struct store_key key;

    for (size_t i = 0; i < count; i++)
        if (!fold_one(store, loaded, &events[i], arena, error) ||
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
           store_key_root(loaded->aggregate->name, loaded->id, &key, error) &&
           put_record(store, INDEX_ROOTS, store_key_text(&key),
                      (struct put){loaded->aggregate->root, loaded->root, loaded->version},
                      error) &&
           put_record(store, INDEX_COMMANDS, uuid_bytes(&last->command_id),
                      (struct put){&remembered_record, &remembered, -1}, error);
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
            format = mix_deadlines(format * 31 + (uint32_t)(*a)->revision, *a);
    return format;
}
