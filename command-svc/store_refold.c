/* Folds in pieces, each with an arena that is empty again behind it and the root put in between: a
 * stream may be longer than memory is large. */
#include "command-svc/store_refold.h"

#include "command-svc/metrics.h"
#include "command-svc/store_records.h"
#include "command-svc/store_states.h"
#include "lib/record/avro.h"
#include <string.h>

#define PIECE_BYTES     (256 * 1024)
#define PIECE_BYTES_MAX (16 * 1024 * 1024) /* with its last event */

struct refolding {
    const struct store *store;
    const struct loaded *stale;
    struct arena arena;
};

static bool remove_states(const struct refolding *refolding, struct error *error)
{
    struct index_context *index = refolding->store->index;
    const struct loaded *stale = refolding->stale;
    struct text no_part = TEXT("");
    struct store_key root, parts;

    return store_key_root(stale->aggregate->name, stale->id, &root, error) &&
           store_key_part(stale->aggregate->name, stale->id, no_part, &parts, error) &&
           index_put(index, INDEX_ROOTS, store_key_text(&root), (struct text){0}, error) &&
           index_remove_all(index, INDEX_PARTS, store_key_text(&parts), error);
}

static bool decode(const struct refolding *refolding, struct text payload,
                   struct recorded_event *event, struct arena *arena, struct error *error)
{
    const struct store *store = refolding->store;
    uint32_t schema_id;

    if (!avro_frame((const uint8_t *)payload.bytes, payload.size, &schema_id))
        return error_set(error, FAULT_INDEX_FAILED, "an event without a schema id");
    const struct record *record = avro_find_record(store->context->events, schema_id);
    if (record == NULL)
        return error_set(error, FAULT_SCHEMA_UNKNOWN, "schema id %u", schema_id);
    void *value = arena_alloc(arena, record->size);
    if (value == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "decoding a %s", record->name);
    event->kind = store_event_kind(store, record);
    event->value = value;
    return avro_decode_framed(record, payload, arena, value, error);
}

/* What is found in the index is borrowed until the next put, and states borrow from events. */
static bool fold_version(struct refolding *refolding, struct loaded *loaded, int64_t version,
                         struct error *error)
{
    struct arena *arena = &refolding->arena;
    struct stored_event stored;
    struct store_key key;
    struct text found;

    if (!store_key_event(loaded->aggregate->name, loaded->id, version, &key, error) ||
        !index_find(refolding->store->index, INDEX_EVENTS, store_key_text(&key), &found, error))
        return false;
    if (found.size <= STORED_EVENT_FRONT)
        return error_set(error, FAULT_INDEX_FAILED, "it is not in the index");
    struct text copy = arena_copy_text(arena, found);
    if (copy.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "reading an event");
    struct text body = {copy.bytes + STORED_EVENT_FRONT, copy.size - STORED_EVENT_FRONT};
    if (!avro_decode(&stored_event_record, body, arena, &stored, error))
        return false;
    struct log_event envelope = {.version = version, .time_us = stored.time_us};
    struct recorded_event event = {.envelope = &envelope};
    return decode(refolding, stored.payload, &event, arena, error) &&
           states_fold(refolding->store, loaded, &event, arena, error);
}

/* *version is the next one to be folded. */
static bool fold_piece(struct refolding *refolding, int64_t *version, struct error *error)
{
    struct loaded loaded = {.aggregate = refolding->stale->aggregate, .id = refolding->stale->id};
    int64_t revision;

    arena_reset(&refolding->arena);
    if (!states_load(refolding->store, &loaded, &refolding->arena, &revision, error))
        return false;
    while (*version <= refolding->stale->version && refolding->arena.used < PIECE_BYTES) {
        if (!fold_version(refolding, &loaded, *version, error))
            return error_add(error, "version %lld", (long long)*version);
        (*version)++;
    }
    return states_put_root(refolding->store, &loaded, error);
}

static bool refold(void *self, struct error *error)
{
    struct refolding *refolding = self;
    int64_t version = 1;

    if (!remove_states(refolding, error))
        return false;
    while (version <= refolding->stale->version)
        if (!fold_piece(refolding, &version, error))
            return false;
    return true;
}

bool store_refold(const struct store *store, const struct loaded *loaded, struct error *error)
{
    struct refolding refolding = {.store = store, .stale = loaded};

    arena_init(&refolding.arena, PIECE_BYTES_MAX);
    bool done = index_rewrite(store->index, refold, &refolding, error);
    arena_done(&refolding.arena);
    if (!done)
        return error_add(error, "folding %s/%.*s again", loaded->aggregate->name,
                         TEXT_ARGS(loaded->id));
    metric_add(&metric_refolded, 1);
    return true;
}
