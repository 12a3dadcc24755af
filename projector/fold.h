/* Applies a batch's events to a view's cached rows. In steps, so that all views of a worker do each
 * of them together: touch the rows, load those that are missing, apply. What cannot be applied is
 * parked, and with it what comes later for the same row. The database is only read: what was folded
 * can be undone until it is kept. */
#pragma once

#include "lib/db/connection.h"
#include "projector/cache.h"
#include "projector/parked.h"
#include "projector/source.h"

/* A row as it was before the fold. */
struct folded_row {
    struct cached_row *row;
    const void *before; /* NULL: not remembered yet */
};

/* One event meets one row. */
struct fold_step {
    const struct batch_commit *commit;
    const struct batch_event *event;
    struct cached_row *row;
};

/* An event that does not meet its row now. */
struct fold_park {
    const struct batch_commit *commit;
    const struct batch_event *event;
    struct text key;
    const struct error *cause; /* NULL: it waits behind another one */
};

/* Where the view cannot go on: the event needs another program, or too much is parked. */
struct fold_refusal {
    const struct batch_commit *commit; /* NULL: none */
    const struct batch_event *event;
    struct error cause;
};

struct fold {
    const struct view *view;
    struct event_set reads;
    struct cache *cache;
    struct batch *batch;     /* the one being folded */
    struct folded_row *rows; /* touched, each once */
    size_t row_count, row_capacity;
    struct fold_step *steps;
    size_t step_count, step_capacity;
    struct parked parked;
    struct fold_park *parks; /* once applied, in the order of the log */
    size_t park_count, park_capacity;
    const struct batch_commit *forced; /* to be parked, whatever apply says; NULL: none */
    struct error forced_cause;
    struct fold_refusal refusal;
    /* Only rows of this slice are touched; keys are spread over slice_count of them. 0: all. */
    uint32_t slice, slice_count;
};

/* View and cache are borrowed. */
void fold_init(struct fold *fold, const struct view *view, struct cache *cache);
void fold_done(struct fold *fold);

/* Touches the rows of commits 0 to end - 1 of the batch, those that the sources take. Stops at the
 * first refusal. False (OUT_OF_MEMORY): undone. */
MUST_CHECK bool fold_touch(struct fold *fold, struct batch *batch, const struct sources *sources,
                           size_t end, struct error *error);
/* The keys of touched rows that are not in the cache, from the batch's arena. NULL: memory ran out.
 */
MUST_CHECK const struct text *fold_missing(const struct fold *fold, size_t *ret_count);
/* The rows that the database has of them; the others are absent. */
MUST_CHECK bool fold_fill(struct fold *fold, const struct db_rows *found, struct error *error);
/* Applies, and targets the sources at the positions behind the commits. Stops at the first refusal.
 * False (OUT_OF_MEMORY): undone. */
MUST_CHECK bool fold_apply(struct fold *fold, struct sources *sources, size_t end,
                           struct error *error);
/* The rows are as they were. */
void fold_undo(struct fold *fold);
/* The rows are in the database: they become independent of the batch. */
MUST_CHECK bool fold_keep(struct fold *fold, struct error *error);
