/* Loads, folds and puts states. */
#include "command-svc/store_states.h"

#include "lib/record/avro.h"
#include <assert.h>
#include <string.h>

/* A state: where it is kept, and what was found there. */
struct kept {
    enum index_table table;
    const struct record *record;
    int revision; /* another one is not decoded */
    struct state_front front;
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
    if (stored.size < sizeof(kept->front))
        return error_set(error, FAULT_INDEX_FAILED, "a state of %zu bytes", stored.size);
    memcpy(&kept->front, stored.bytes, sizeof(kept->front));
    kept->found = true;
    if (kept->front.revision != kept->revision)
        return true;
    struct text copy = arena_copy_text(arena, stored);
    if (copy.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "loading a %s", record->name);
    struct text body = {copy.bytes + sizeof(kept->front), copy.size - sizeof(kept->front)};
    return avro_decode(record, body, arena, kept->value, error) ||
           error_add(error, "%s in the index", record->name);
}

/* The part loaded->part_id names, in place of the one before. */
static bool load_part(const struct store *store, struct loaded *loaded, struct arena *arena,
                      struct error *error)
{
    const struct aggregate *aggregate = loaded->aggregate;
    struct kept kept = {
        .table = INDEX_PARTS,
        .record = aggregate->part,
        .revision = aggregate->revision,
    };
    struct store_key key;

    if (!store_key_part(aggregate->name, loaded->id, loaded->part_id, &key, error) ||
        !load_state(store, &key, arena, &kept, error))
        return false;
    if (kept.found && kept.front.revision != kept.revision)
        return error_set(error, FAULT_INDEX_FAILED, "a %s of another revision than its root",
                         aggregate->part->name);
    loaded->slot = (struct part_slot){.present = kept.found, .state = kept.value};
    return true;
}

bool states_load(const struct store *store, struct loaded *loaded, struct arena *arena,
                 int64_t *ret_revision, struct error *error)
{
    const struct aggregate *aggregate = loaded->aggregate;
    struct kept kept = {
        .table = INDEX_ROOTS,
        .record = aggregate->root,
        .revision = aggregate->revision,
    };
    struct store_key key;

    if (!store_key_root(aggregate->name, loaded->id, &key, error) ||
        !load_state(store, &key, arena, &kept, error))
        return false;
    *ret_revision = kept.found ? kept.front.revision : aggregate->revision;
    loaded->version = kept.front.version;
    loaded->root = kept.value;
    if (*ret_revision != aggregate->revision || loaded->part_id.bytes == NULL)
        return true;
    return load_part(store, loaded, arena, error);
}

bool store_put(const struct store *store, enum index_table table, struct text key,
               const struct stored_put *put, struct error *error)
{
    buffer_clear(store->scratch);
    if (put->front.size > 0)
        buffer_put(store->scratch, put->front.bytes, put->front.size);
    avro_encode(put->record, put->value, store->scratch);
    if (store->scratch->failed)
        return error_set(error, FAULT_LIMIT_EXCEEDED, "a %s is too large", put->record->name);
    return index_put(store->index, table, key, buffer_text(store->scratch), error);
}

static bool put_state(const struct store *store, const struct loaded *loaded,
                      const struct store_key *key, bool is_part, struct error *error)
{
    const struct aggregate *aggregate = loaded->aggregate;
    struct state_front front = {loaded->version, aggregate->revision};
    struct stored_put put = {
        .record = is_part ? aggregate->part : aggregate->root,
        .value = is_part ? loaded->slot.state : loaded->root,
        .front = {(const char *)&front, sizeof(front)},
    };

    return store_put(store, is_part ? INDEX_PARTS : INDEX_ROOTS, store_key_text(key), &put, error);
}

bool states_put_root(const struct store *store, const struct loaded *loaded, struct error *error)
{
    struct store_key key;

    return store_key_root(loaded->aggregate->name, loaded->id, &key, error) &&
           put_state(store, loaded, &key, false, error);
}

/* A part that is gone leaves nothing to the next one of its name, loaded anew or not. */
static bool put_part(const struct store *store, struct loaded *loaded, struct error *error)
{
    const struct aggregate *aggregate = loaded->aggregate;
    struct store_key key;

    if (!store_key_part(aggregate->name, loaded->id, loaded->part_id, &key, error))
        return false;
    if (loaded->slot.present)
        return put_state(store, loaded, &key, true, error);
    memset(loaded->slot.state, 0, aggregate->part->size);
    return index_put(store->index, INDEX_PARTS, store_key_text(&key), (struct text){0}, error);
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

bool states_fold(const struct store *store, struct loaded *loaded,
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
    return !has_part || put_part(store, loaded, error);
}
