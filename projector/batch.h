/* The events of one transaction, copied off the reader and decoded, in the order they were read. */
#pragma once

#include "lib/core/arena.h"
#include "lib/log/envelope.h"
#include "projector/source.h"

struct batch_event {
    struct view_event view;
    const struct record *record;
    const struct text *keys;
    size_t key_count;
    int64_t offset;
};

/* Only the events the view reads are kept; there may be none. */
struct batch_commit {
    size_t source; /* in sources.items */
    size_t first;  /* in batch.events */
    size_t count;
    struct log_position after;
};

/* A valid commit as the reader hands it over: borrowed until its next poll. */
struct read_commit {
    const struct log_event *events;
    size_t count;
    const struct log_position *after;
};

struct batch {
    const struct view *view;
    struct arena arena; /* everything the events refer to, and the rows' images while folding */
    struct batch_event *events;
    size_t event_count, event_capacity;
    struct batch_commit *commits;
    size_t commit_count, commit_capacity;
    size_t bytes; /* of the events kept */
};

void batch_init(struct batch *batch, const struct view *view, size_t arena_bytes_max);
void batch_done(struct batch *batch);
void batch_clear(struct batch *batch);

/* Takes a commit over. An event that cannot be decoded or has no valid key halts its source;
 * so does one of an unknown schema ("upgrade me"). False (OUT_OF_MEMORY): the batch is unchanged.
 */
MUST_CHECK bool batch_add(struct batch *batch, struct sources *sources, size_t source,
                          const struct read_commit *commit, struct error *error);
