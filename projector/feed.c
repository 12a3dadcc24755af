/* What a worker's reader delivers. */
#include "projector/feed.h"

#include <stdlib.h>

bool feeds_create(int32_t partition_count, struct feeds *ret_feeds, struct error *error)
{
    size_t count = (size_t)partition_count * CONTEXT_COUNT;
    struct feeds feeds = {
        .items = calloc(count, sizeof(*feeds.items)),
        .by_number = calloc(count, sizeof(*feeds.by_number)),
        .count = count,
    };
    if (feeds.items == NULL || feeds.by_number == NULL) {
        feeds_destroy(&feeds);
        return error_set(error, FAULT_OUT_OF_MEMORY, "%zu feeds", count);
    }
    for (size_t i = 0; i < count; i++)
        feeds.items[i] = (struct feed){
            .context = (enum context_number)(i % CONTEXT_COUNT),
            .partition = (int32_t)(i / CONTEXT_COUNT),
            .number = FEED_UNNUMBERED,
            .end = LOG_OFFSET_NONE,
        };
    *ret_feeds = feeds;
    return true;
}

void feeds_destroy(struct feeds *feeds)
{
    free(feeds->items);
    free(feeds->by_number);
    *feeds = (struct feeds){0};
}
