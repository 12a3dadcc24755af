/* What was read for one transaction. */
#include "projector/batch.h"

#include "lib/record/avro.h"
#include <stdlib.h>
#include <string.h>

bool batch_init(struct batch *batch, size_t feed_count, size_t arena_bytes_max, struct error *error)
{
    *batch = (struct batch){.feed_count = feed_count};
    arena_init(&batch->arena, arena_bytes_max);
    batch->ends = calloc(feed_count, sizeof(*batch->ends));
    return batch->ends != NULL || error_set(error, FAULT_OUT_OF_MEMORY, "%zu feeds", feed_count);
}

void batch_done(struct batch *batch)
{
    arena_done(&batch->arena);
    free(batch->events);
    free(batch->commits);
    free(batch->ends);
    *batch = (struct batch){0};
}

void batch_clear(struct batch *batch)
{
    arena_reset(&batch->arena);
    batch->event_count = 0;
    batch->commit_count = 0;
    batch->bytes = 0;
    if (batch->moved)
        memset(batch->ends, 0, batch->feed_count * sizeof(*batch->ends));
    batch->moved = false;
}

void batch_advance(struct batch *batch, size_t feed, const struct log_position *after)
{
    batch->ends[feed] = (struct batch_end){.moved = true, .read = *after};
    batch->moved = true;
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

static const struct record *record_named(enum context_number context, struct text name)
{
    const struct record *const *events = contexts[context].events;
    while (*events != NULL && !text_is(name, (*events)->full_name))
        events++;
    return *events;
}

/* The record of its schema. With a fault, the one that its type names; NULL: no known one. */
static const struct record *find_record(enum context_number context, const struct log_event *event,
                                        struct error *error)
{
    uint32_t schema_id;
    if (!avro_frame((const uint8_t *)event->payload.bytes, event->payload.size, &schema_id)) {
        error_set(error, FAULT_DATA_CORRUPT, "the payload is not framed Avro");
        return record_named(context, event->type);
    }
    const struct record *record = avro_find_record(contexts[context].events, schema_id);
    if (record != NULL)
        return record;
    error_set(error, FAULT_SCHEMA_UNKNOWN,
              "schema id %u is not known in context %s: upgrade this projector", schema_id,
              contexts[context].name);
    return record_named(context, event->type);
}

static bool keep_texts(struct batch *batch, const struct log_event *event, struct batch_event *kept)
{
    kept->payload = arena_copy_text(&batch->arena, event->payload);
    kept->view.subject = arena_copy_text(&batch->arena, event->subject);
    return kept->payload.bytes != NULL && kept->view.subject.bytes != NULL;
}

static bool keep_fault(struct batch *batch, const struct log_event *event, struct batch_event *kept,
                       const struct error *fault)
{
    kept->type = arena_copy_text(&batch->arena, event->type);
    kept->fault = arena_copy(&batch->arena, fault, sizeof(*fault));
    kept->view.value = NULL;
    return kept->type.bytes != NULL && kept->fault != NULL;
}

/* False: memory ran out. */
static bool decode(struct batch *batch, const struct log_event *event, const struct record *record,
                   struct batch_event *kept)
{
    struct error fault = {0};
    void *value = arena_alloc(&batch->arena, record->size);
    if (value == NULL)
        return false;
    kept->view.value = value;
    if (avro_decode_framed(record, kept->payload, &batch->arena, value, &fault))
        return true;
    return fault.fault != FAULT_OUT_OF_MEMORY && keep_fault(batch, event, kept, &fault);
}

/* Appends the event if some view reads it. False: memory ran out. */
static bool add_event(struct batch *batch, enum context_number context,
                      const struct log_event *event)
{
    struct error fault = {0};
    const struct record *record = find_record(context, event, &fault);
    int kind = record != NULL ? event_kind_of(context, record) : -1;
    if (kind >= 0 && !event_set_has(&batch->wanted, context, kind))
        return true;
    struct batch_event *kept = &batch->events[batch->event_count];
    *kept = (struct batch_event){
        .view = {.context = contexts[context].name,
                 .kind = kind,
                 .version = event->version,
                 .time_us = event->time_us},
        .type = record != NULL ? text_of(record->full_name) : (struct text){0},
        .id = event->id,
        .offset = event->offset,
    };
    if (!keep_texts(batch, event, kept) ||
        !(fault.fault == FAULT_NONE ? decode(batch, event, record, kept)
                                    : keep_fault(batch, event, kept, &fault)))
        return false;
    batch->bytes += kept->payload.size;
    batch->event_count++;
    return true;
}

bool batch_add(struct batch *batch, size_t feed, enum context_number context,
               const struct read_commit *commit, struct error *error)
{
    size_t first = batch->event_count;
    bool added = make_room(batch, commit->count);
    for (size_t i = 0; i < commit->count && added; i++)
        added = add_event(batch, context, &commit->events[i]);
    if (!added) {
        batch->event_count = first;
        return error_set(error, FAULT_OUT_OF_MEMORY, "a batch of %zu events", first);
    }
    batch->commits[batch->commit_count++] = (struct batch_commit){
        .feed = feed,
        .first = first,
        .count = batch->event_count - first,
        .after = *commit->after,
    };
    batch_advance(batch, feed, commit->after);
    return true;
}
