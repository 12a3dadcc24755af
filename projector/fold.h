/* Applies events to cached rows, loading in one query those that are missing. The database is only
 * read: what was folded can be undone until it is kept. */
#pragma once

#include "lib/db/connection.h"
#include "projector/batch.h"
#include "projector/cache.h"

/* A row as it was before the fold. */
struct folded_row {
    struct cached_row *row;
    const void *before;
};

/* An event that apply refused. */
struct fold_refusal {
    const struct batch_commit *commit; /* NULL: none */
    const struct batch_event *event;
    struct text key;
};

struct fold {
    const struct view *view;
    struct cache *cache;
    struct batch *batch;
    struct folded_row *rows; /* touched, each once */
    size_t row_count, row_capacity;
    struct fold_refusal refusal;
};

/* All are borrowed. */
void fold_init(struct fold *fold, const struct view *view, struct cache *cache,
               struct batch *batch);
void fold_done(struct fold *fold);

/* Folds commits first to end - 1 of the batch, except what lies beyond a halt, and targets the
 * sources at the positions behind them. Stops at the first refusal. On a fault the fold is undone;
 * DATA_CORRUPT: the database refuses a key. */
MUST_CHECK bool fold_commits(struct fold *fold, struct sources *sources, size_t first, size_t end,
                             struct db_connection *connection, struct error *error);
/* The rows are as they were. */
void fold_undo(struct fold *fold);
/* The rows are in the database: they become independent of the batch. */
MUST_CHECK bool fold_keep(struct fold *fold, struct error *error);
