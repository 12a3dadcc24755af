/* The rows of a view that were used lately. The worker is the rows' only writer, so what is here is
 * what the database has, unless another projector is at work, which the fence finds out. Bounded by
 * bytes: two generations; when the young one is full it becomes the old one and the old one is
 * forgotten, except for rows used again meanwhile. One thread. */
#pragma once

#include "lib/core/arena.h"
#include "lib/record/record.h"

struct cached_row {
    uint32_t hash;
    bool loaded;  /* compared with the database; else it has the defaults */
    bool touched; /* by the fold under way */
    bool parked;  /* by it, too: what comes now waits */
    struct text key;
    _Alignas(16) uint8_t values[]; /* the view's row struct */
};

struct cache_generation {
    struct arena arena;
    struct cached_row **slots; /* open addressing, a power of two, at most half full */
    size_t slot_count;
    size_t row_count;
};

struct cache {
    const struct record *record;
    size_t key_offset; /* of the key's struct text in the row */
    size_t bytes_max;
    struct cache_generation young, old;
};

/* `headroom_bytes` is what one batch may need beyond bytes_max before cache_age is called. */
void cache_init(struct cache *cache, const struct record *record, const char *key, size_t bytes_max,
                size_t headroom_bytes);
void cache_done(struct cache *cache);
void cache_clear(struct cache *cache);

/* The row of that key, made with defaults if there is none. It stays where it is until cache_age.
 * NULL: memory ran out. */
MUST_CHECK struct cached_row *cache_get(struct cache *cache, struct text key);
/* The row as the database has it, with copies of its texts. */
MUST_CHECK bool cache_fill(struct cache *cache, struct cached_row *row, const void *values);
/* After a change: texts of the row that differ from those of `before` are copied into the cache. */
MUST_CHECK bool cache_keep_texts(struct cache *cache, struct cached_row *row, const void *before);
/* Between batches: forgets what was not used lately if there is too much. */
void cache_age(struct cache *cache);
