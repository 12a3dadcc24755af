/* What a worker's reader delivers: every partition of every context that one of its views reads,
 * once for all of them. */
#pragma once

#include "lib/core/error.h"
#include "lib/log/position.h"
#include "schemas/contexts.h"

#define FEED_UNNUMBERED (-1)

struct feed {
    enum context_number context;
    int32_t partition;
    int32_t number; /* the reader's; FEED_UNNUMBERED: never attached */
    int64_t end;    /* of the log, as last heard; LOG_OFFSET_NONE: unknown */
    bool disputed;  /* the views that read it stand at different places */
    bool attached;  /* since then nothing has gone wrong */
};

/* Feed number partition * CONTEXT_COUNT + context, whether somebody reads it or not. */
struct feeds {
    struct feed *items;
    size_t *by_number; /* the feed of a reader's number */
    size_t count;
};

MUST_CHECK bool feeds_create(int32_t partition_count, struct feeds *ret_feeds, struct error *error);
void feeds_destroy(struct feeds *feeds);

static inline size_t feed_index(enum context_number context, int32_t partition)
{
    return (size_t)partition * CONTEXT_COUNT + context;
}
