/* Triggers and low-water marks in the index. */
#include "command-svc/store_reactions.h"

#include "command-svc/store_keys.h"
#include "command-svc/store_records.h"
#include "lib/record/avro.h"
#include <assert.h>
#include <string.h>

#define SWEPT_A_CHECKPOINT 4096

static bool wants(const struct reaction *reaction, const struct record *record)
{
    for (const struct record *const *r = reaction->events; *r != NULL; r++)
        if (*r == record)
            return true;
    return false;
}

static bool anyone_wants(const struct context *context, const struct record *record)
{
    for (const struct reaction *const *r = context->reactions; *r != NULL; r++)
        if (wants(*r, record))
            return true;
    return false;
}

bool triggers_stage(const struct store *store, struct loaded *loaded,
                    const struct recorded_event *events, size_t count, struct error *error)
{
    struct store_key place, event;

    for (size_t i = 0; store->context->reactions != NULL && i < count; i++) {
        if (!anyone_wants(store->context, store->context->events[events[i].kind]))
            continue;
        loaded->hurries = true;
        if (!store_key_trigger(events[i].place, &place, error) ||
            !store_key_event(loaded->aggregate->name, loaded->id, events[i].envelope->version,
                             &event, error) ||
            !index_put(store->index, INDEX_TRIGGERS, store_key_text(&place), store_key_text(&event),
                       error))
            return false;
    }
    return true;
}

struct visiting {
    trigger_visitor *visit;
    void *self;
};

static bool visit_trigger(void *self, struct text key, struct text value)
{
    struct visiting *visiting = self;
    int64_t place;

    return store_key_read_trigger(key, &place) && visiting->visit(visiting->self, place, value);
}

bool triggers_visit(const struct store *store, int64_t place, trigger_visitor *visit, void *self,
                    struct error *error)
{
    struct visiting visiting = {visit, self};
    struct store_key from;

    if (!store_key_trigger(place, &from, error))
        return false;
    struct index_scan scan = {
        .prefix = TEXT(STORE_KEY_TRIGGER),
        .from = store_key_text(&from),
        .visit = visit_trigger,
        .self = &visiting,
    };
    return index_scan(store->index, INDEX_TRIGGERS, &scan, error);
}

static bool decode(const struct store *store, const struct stored_event *stored,
                   struct arena *arena, struct triggered *triggered, struct error *error)
{
    uint32_t schema_id;

    if (!avro_frame((const uint8_t *)stored->payload.bytes, stored->payload.size, &schema_id))
        return error_set(error, FAULT_DATA_CORRUPT, "no schema id in a stored event");
    triggered->record = avro_find_record(store->context->events, schema_id);
    if (triggered->record == NULL)
        return error_set(error, FAULT_SCHEMA_UNKNOWN, "schema id %u", schema_id);
    void *value = arena_alloc(arena, triggered->record->size);
    if (value == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "decoding a %s", triggered->record->name);
    triggered->event = (struct event){
        .kind = store_event_kind(store, triggered->record),
        .value = value,
        .time_us = stored->time_us,
    };
    return avro_decode_framed(triggered->record, stored->payload, arena, value, error);
}

static bool copy_uuid(struct text bytes, struct uuid *ret_uuid, struct error *error)
{
    if (bytes.size != sizeof(ret_uuid->bytes))
        return error_set(error, FAULT_DATA_CORRUPT, "an id of %zu bytes", bytes.size);
    memcpy(ret_uuid->bytes, bytes.bytes, sizeof(ret_uuid->bytes));
    return true;
}

static bool find_stored(const struct store *store, struct text key, struct arena *arena,
                        struct stored_event *ret_stored, struct error *error)
{
    struct text found;

    if (!index_find(store->index, INDEX_EVENTS, key, &found, error))
        return false;
    if (found.bytes == NULL)
        return error_set(error, FAULT_INDEX_FAILED, "an event is missing in the index");
    if (found.size < STORED_EVENT_FRONT)
        return error_set(error, FAULT_INDEX_FAILED, "an event of %zu bytes", found.size);
    struct text body = {found.bytes + STORED_EVENT_FRONT, found.size - STORED_EVENT_FRONT};
    struct text copy = arena_copy_text(arena, body);
    if (copy.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "loading an event");
    return avro_decode(&stored_event_record, copy, arena, ret_stored, error);
}

bool store_find_event(const struct store *store, struct text stored, struct arena *arena,
                      struct triggered *ret_triggered, struct error *error)
{
    struct stored_event event;
    struct store_event_name name;
    struct text key = arena_copy_text(arena, stored);

    if (key.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "loading an event");
    if (!store_key_read_event(key, &name))
        return error_set(error, FAULT_INDEX_FAILED, "a trigger of no event");
    *ret_triggered = (struct triggered){
        .aggregate = store_find_aggregate(store, name.aggregate),
        .id = name.id,
    };
    if (ret_triggered->aggregate == NULL)
        return error_set(error, FAULT_INDEX_FAILED, "a trigger of no aggregate");
    if (!find_stored(store, key, arena, &event, error) ||
        !decode(store, &event, arena, ret_triggered, error))
        return false;
    ret_triggered->event.version = name.version;
    return copy_uuid(event.id, &ret_triggered->event_id, error) &&
           copy_uuid(event.correlation_id, &ret_triggered->correlation_id, error);
}

bool store_find_mark(const struct store *store, const char *reaction, int64_t *ret_low_water,
                     bool *ret_found, struct error *error)
{
    struct text stored;

    *ret_found = false;
    if (!index_find(store->index, INDEX_CHECKPOINTS, text_of(reaction), &stored, error))
        return false;
    if (stored.bytes == NULL)
        return true;
    if (stored.size != sizeof(*ret_low_water))
        return error_set(error, FAULT_INDEX_FAILED, "a mark of %zu bytes", stored.size);
    memcpy(ret_low_water, stored.bytes, sizeof(*ret_low_water));
    *ret_found = true;
    return true;
}

/* The place before which no reaction wants anything any more. */
static bool find_least_mark(const struct store *store, int64_t *ret_place, struct error *error)
{
    int64_t mark;
    bool found;

    *ret_place = INT64_MAX;
    for (const struct reaction *const *r = store->context->reactions; *r != NULL; r++) {
        if (!store_find_mark(store, (*r)->name, &mark, &found, error))
            return false;
        mark = found ? mark : 0;
        *ret_place = mark < *ret_place ? mark : *ret_place;
    }
    return true;
}

struct sweep {
    const struct store *store;
    int64_t before;
    size_t count;
    struct error *error;
    bool failed;
};

static bool sweep_one(void *self, int64_t place, struct text stored)
{
    struct sweep *sweep = self;
    struct store_key key;
    (void)stored;

    if (place >= sweep->before || sweep->count++ == SWEPT_A_CHECKPOINT)
        return false;
    sweep->failed = !store_key_trigger(place, &key, sweep->error) ||
                    !index_put(sweep->store->index, INDEX_TRIGGERS, store_key_text(&key),
                               (struct text){0}, sweep->error);
    return !sweep->failed;
}

bool store_stage_checkpoint(const struct store *store, const struct checkpoint *checkpoint,
                            struct error *error)
{
    const struct reaction_mark *marks = checkpoint->marks.items;
    struct sweep sweep = {.store = store, .error = error};

    for (size_t i = 0; i < checkpoint->marks.count; i++) {
        struct text value = {(const char *)&marks[i].low_water, sizeof(marks[i].low_water)};
        if (marks[i].reaction.size == 0 || marks[i].reaction.size > INDEX_KEY_SIZE_MAX)
            return error_set(error, FAULT_DATA_CORRUPT, "a mark of no reaction");
        if (!index_put(store->index, INDEX_CHECKPOINTS, marks[i].reaction, value, error))
            return false;
    }
    if (store->context->reactions == NULL)
        return true;
    return find_least_mark(store, &sweep.before, error) &&
           triggers_visit(store, 0, sweep_one, &sweep, error) && !sweep.failed;
}
