/* The rows that a replay has folded, one after the other, as COPY wants them. */
#pragma once

#include "projector/projection.h"

struct replay_rows {
    const struct cache *cache;
    uint8_t *absent; /* a row that no event has changed, but for its key */
    size_t looked;   /* slots of the cache */
    size_t given;    /* since it was told */
    /* Told between pieces, of so many rows; may wait. */
    void (*copies_on)(void *self, size_t rows);
    void *self;
};

MUST_CHECK bool replay_rows_init(struct replay_rows *rows, const struct view *view,
                                 const struct cache *cache, struct error *error);
void replay_rows_done(struct replay_rows *rows);
/* From the first one. */
void replay_rows_begin(struct replay_rows *rows);
const void *replay_rows_next(void *self); /* NULL: no more */
