/* The events of one transaction. */
#include "projector/batch.h"

#include "lib/record/avro.h"
#include <stdlib.h>

void batch_init(struct batch *batch, const struct view *view, size_t arena_bytes_max)
{
    *batch = (struct batch){.view = view};
    arena_init(&batch->arena, arena_bytes_max);
}

void batch_done(struct batch *batch)
{
    arena_done(&batch->arena);
    free(batch->events);
    free(batch->commits);
    *batch = (struct batch){0};
}

void batch_clear(struct batch *batch)
{
    arena_reset(&batch->arena);
    batch->event_count = 0;
    batch->commit_count = 0;
    batch->bytes = 0;
}

static bool reserve(void **items, size_t *capacity, size_t needed, size_t item_size)
{
    if (needed <= *capacity)
        return true;
    size_t grown = *capacity < 64 ? 64 : 2 * *capacity;
    while (grown < needed)
        grown *= 2;
    void *moved = realloc(*items, grown * item_size);
    if (moved == NULL)
        return false;
    *items = moved;
    *capacity = grown;
    return true;
}

static bool reads(const struct view *view, const struct record *record)
{
    for (size_t i = 0; view->events[i] != NULL; i++)
        if (view->events[i] == record)
            return true;
    return false;
}

static int kind_of(const struct context *context, const struct record *record)
{
    int kind = 0;
    while (context->events[kind] != record)
        kind++;
    return kind;
}

/* The record of its schema; NULL (DATA_CORRUPT, SCHEMA_UNKNOWN) if this program knows none. */
static const struct record *find_record(const struct context *context,
                                        const struct log_event *event, struct error *error)
{
    uint32_t schema_id;
    if (!avro_frame((const uint8_t *)event->payload.bytes, event->payload.size, &schema_id)) {
        error_set(error, FAULT_DATA_CORRUPT, "the payload is not framed Avro");
        return NULL;
    }
    const struct record *record = avro_find_record(context->events, schema_id);
    if (record == NULL)
        error_set(error, FAULT_SCHEMA_UNKNOWN,
                  "schema id %u is not known in context %s: upgrade this projector", schema_id,
                  context->name);
    return record;
}

static bool decode(struct batch *batch, const struct log_event *event, struct batch_event *kept,
                   struct error *error)
{
    const struct record *record = kept->record;
    void *value = arena_alloc(&batch->arena, record->size);
    struct text payload = arena_copy_text(&batch->arena, event->payload);
    kept->view.subject = arena_copy_text(&batch->arena, event->subject);
    if (value == NULL || payload.bytes == NULL || kept->view.subject.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "a batch of %zu events", batch->event_count);
    kept->view.value = value;
    batch->bytes += payload.size;
    return avro_decode_framed(record, payload, &batch->arena, value, error);
}

static bool find_keys(struct batch *batch, struct batch_event *kept, struct error *error)
{
    struct view_keys keys = {.count = 0};
    if (!batch->view->keys(&kept->view, &keys))
        return error_set(error, FAULT_DATA_CORRUPT, "the event has no valid key");
    kept->keys = arena_copy(&batch->arena, keys.keys, keys.count * sizeof(keys.keys[0]));
    kept->key_count = keys.count;
    if (kept->keys == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "a batch of %zu events", batch->event_count);
    return true;
}

/* Appends the event if the view reads it. */
static bool add_event(struct batch *batch, const struct context *context,
                      const struct log_event *event, struct error *error)
{
    const struct record *record = find_record(context, event, error);
    if (record == NULL)
        return false;
    if (!reads(batch->view, record))
        return true;
    struct batch_event *kept = &batch->events[batch->event_count];
    *kept = (struct batch_event){
        .view = {.context = context->name,
                 .kind = kind_of(context, record),
                 .version = event->version,
                 .time_us = event->time_us},
        .record = record,
        .offset = event->offset,
    };
    if (!decode(batch, event, kept, error) || !find_keys(batch, kept, error))
        return false;
    batch->event_count++;
    return true;
}

static bool make_room(struct batch *batch, size_t event_count)
{
    void *events = batch->events;
    void *commits = batch->commits;
    bool made = reserve(&events, &batch->event_capacity, batch->event_count + event_count,
                        sizeof(*batch->events)) &&
                reserve(&commits, &batch->commit_capacity, batch->commit_count + 1,
                        sizeof(*batch->commits));
    batch->events = events;
    batch->commits = commits;
    return made;
}

bool batch_add(struct batch *batch, struct sources *sources, size_t source,
               const struct read_commit *commit, struct error *error)
{
    struct source *from = &sources->items[source];
    if (from->halt.halted)
        return true;
    if (!make_room(batch, commit->count))
        return error_set(error, FAULT_OUT_OF_MEMORY, "a batch of %zu events", batch->event_count);
    size_t first = batch->event_count;
    for (size_t i = 0; i < commit->count; i++) {
        const struct log_event *event = &commit->events[i];
        struct error cause = {0};
        if (add_event(batch, from->context, event, &cause))
            continue;
        batch->event_count = first;
        if (cause.fault == FAULT_OUT_OF_MEMORY) {
            *error = cause;
            return false;
        }
        source_halt(from, event->offset, event->type, event->subject, &cause);
        return true;
    }
    batch->commits[batch->commit_count++] = (struct batch_commit){
        .source = source,
        .first = first,
        .count = batch->event_count - first,
        .after = *commit->after,
    };
    from->read = *commit->after;
    return true;
}
