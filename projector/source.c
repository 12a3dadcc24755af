/* What a view reads, and how far it is in each. */
#include "projector/source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool sources_create(const struct view *view, int32_t partition_count, struct sources *ret_sources,
                    struct error *error)
{
    struct sources sources = {.partition_count = partition_count};
    while (view->contexts[sources.context_count] != NULL)
        sources.context_count++;
    sources.count = sources.context_count * (size_t)partition_count;
    sources.items = calloc(sources.count, sizeof(*sources.items));
    if (sources.items == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "%zu sources", sources.count);
    for (size_t i = 0; i < sources.count; i++) {
        struct source *source = &sources.items[i];
        source->context = context_find(view->contexts[i % sources.context_count]);
        assert(source->context != NULL);
        source->partition = (int32_t)(i / sources.context_count);
        source->end = LOG_OFFSET_NONE;
    }
    *ret_sources = sources;
    return true;
}

void sources_destroy(struct sources *sources)
{
    free(sources->items);
    *sources = (struct sources){0};
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

bool source_is_beyond_halt(const struct source *source, const struct log_position *after)
{
    return source->halt.halted && after->next > source->halt.offset;
}

void sources_retarget(struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        sources->items[i].target = sources->items[i].stored;
}

void sources_target_all_read(struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->items[i];
        if (!source_is_beyond_halt(source, &source->read))
            source->target = source->read;
    }
}

bool sources_have_moved(const struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        if (sources->items[i].read.next != sources->items[i].stored.next)
            return true;
    return false;
}

void sources_stored(struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->items[i];
        source->stored = source->target;
        if (source->halt.halted)
            source->read = source->stored;
    }
}
