/* What was read for one transaction: the events of all views of a worker, copied off the reader and
 * decoded once, in the order they were read. */
#pragma once

#include "lib/core/arena.h"
#include "lib/log/envelope.h"
#include "projector/event_set.h"
#include "projector/feed.h"

struct batch_event {
    struct view_event view;
    struct text type; /* its name on the log */
    struct uuid id;
    int64_t offset;
    struct text payload;
    /* Why it has no .view.value; NULL: it has. DATA_CORRUPT; SCHEMA_UNKNOWN: "upgrade me". Of an
     * unknown type .view.kind is negative: every view of the context may need it. */
    const struct error *fault;
};

/* Only the events that some view reads are kept; there may be none. */
struct batch_commit {
    size_t feed;
    size_t first; /* in batch.events */
    size_t count;
    struct log_position after;
};

/* How far a feed was read. */
struct batch_end {
    bool moved;
    struct log_position read;
};

/* A valid commit as the reader hands it over: borrowed until its next poll. */
struct read_commit {
    const struct log_event *events;
    size_t count;
    const struct log_position *after;
};

struct batch {
    struct arena arena; /* everything the events refer to, and the rows' images while folding */
    struct event_set wanted; /* by any of the views */
    struct batch_event *events;
    size_t event_count, event_capacity;
    struct batch_commit *commits;
    size_t commit_count, commit_capacity;
    struct batch_end *ends; /* by feed */
    size_t feed_count;
    bool moved;   /* at least one feed has */
    size_t bytes; /* of the events kept */
};

MUST_CHECK bool batch_init(struct batch *batch, size_t feed_count, size_t arena_bytes_max,
                           struct error *error);
void batch_done(struct batch *batch);
void batch_clear(struct batch *batch);

/* Takes a commit over. False (OUT_OF_MEMORY): the batch is unchanged. */
MUST_CHECK bool batch_add(struct batch *batch, size_t feed, enum context_number context,
                          const struct read_commit *commit, struct error *error);
/* The feed moved over what no view can need. */
void batch_advance(struct batch *batch, size_t feed, const struct log_position *after);
