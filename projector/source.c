/* How far a view is. */
#include "projector/source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void create_source(const struct view *view, struct sources *sources, size_t number)
{
    struct source *source = &sources->items[number];
    source->context = context_find(view->contexts[number % sources->context_count]);
    assert(source->context != NULL);
    source->partition = (int32_t)(number / sources->context_count);
    source->feed = feed_index((enum context_number)(source->context - contexts), source->partition);
    source->held = true;
    sources->by_feed[source->feed] = source;
}

bool sources_create(const struct view *view, int32_t partition_count, struct sources *ret_sources,
                    struct error *error)
{
    struct sources sources = {.partition_count = partition_count};
    while (view->contexts[sources.context_count] != NULL)
        sources.context_count++;
    sources.count = sources.context_count * (size_t)partition_count;
    sources.items = calloc(sources.count, sizeof(*sources.items));
    sources.by_feed = calloc((size_t)partition_count * CONTEXT_COUNT, sizeof(*sources.by_feed));
    if (sources.items == NULL || sources.by_feed == NULL) {
        sources_destroy(&sources);
        return error_set(error, FAULT_OUT_OF_MEMORY, "%zu sources", sources.count);
    }
    for (size_t i = 0; i < sources.count; i++)
        create_source(view, &sources, i);
    *ret_sources = sources;
    return true;
}

void sources_destroy(struct sources *sources)
{
    free(sources->items);
    free(sources->by_feed);
    *sources = (struct sources){0};
}

bool sources_hold(struct sources *sources, const bool *held)
{
    bool changed = false;
    for (size_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->items[i];
        changed = changed || source->held != held[source->partition];
        source->held = held[source->partition];
        sources->by_feed[source->feed] = source->held ? source : NULL;
    }
    return changed;
}

size_t sources_held(const struct sources *sources)
{
    size_t count = 0;
    for (size_t i = 0; i < sources->count; i += sources->context_count)
        count += sources->items[i].held;
    return count;
}

static void keep_name(char name[static HALT_NAME_SIZE], struct text text)
{
    size_t size = text.size < HALT_NAME_SIZE - 1 ? text.size : HALT_NAME_SIZE - 1;
    if (size > 0)
        memcpy(name, text.bytes, size);
    name[size] = '\0';
}

void source_halt(struct source *source, int64_t offset, struct text event, struct text key,
                 const struct error *error)
{
    struct halt *halt = &source->halt;
    if (halt->halted && halt->offset <= offset)
        return;
    *halt = (struct halt){.halted = true, .offset = offset, .error = *error};
    keep_name(halt->event, event);
    keep_name(halt->key, key);
}

static bool is_beyond_halt(const struct source *source, const struct log_position *after)
{
    return source->halt.halted && after->next > source->halt.offset;
}

bool source_takes(const struct source *source, const struct log_position *after)
{
    return after->next > source->stored.next && !is_beyond_halt(source, after);
}

void sources_forget_halts(struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        sources->items[i].halt = (struct halt){0};
        sources->items[i].at_end_boot_us = 0;
    }
}

void sources_retarget(struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        sources->items[i].target = sources->items[i].stored;
        sources->items[i].parking = 0;
    }
}

void sources_target_all(struct sources *sources, const struct batch *batch)
{
    for (size_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->items[i];
        const struct batch_end *end = &batch->ends[source->feed];
        if (source->held && end->moved && source_takes(source, &end->read))
            source->target = end->read;
    }
}

bool sources_move(const struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        if (sources->items[i].target.next != sources->items[i].stored.next)
            return true;
    return false;
}

void sources_stored(struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        sources->items[i].stored = sources->items[i].target;
        sources->items[i].parking = 0;
    }
}
