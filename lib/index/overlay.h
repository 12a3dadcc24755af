/* What is newer than LMDB, of one context: a journal of puts in the order of their commits, and a
 * hash from key to its newest put. A key's puts are chained both ways, so that commits can leave at
 * either end: the oldest when flushed, the newest when abandoned or forgotten. */
#pragma once

#include "lib/core/text.h"
#include <stdint.h>

/* Followed by key and value. */
struct put {
    struct put *older, *newer; /* of the same key in this overlay */
    struct put *beside;        /* in the same bucket; newest puts only */
    uint64_t commit;
    uint32_t hash;
    uint32_t value_size;
    uint16_t key_size;
    uint8_t table;
    bool removes;
    char bytes[];
};

struct chunk;

struct place {
    struct chunk *chunk;
    size_t offset;
};

struct overlay {
    struct place front; /* the oldest put; a NULL chunk while there is no memory held */
    struct chunk *last;
    struct place recent; /* where the commit put last begins */
    struct put **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t key_count;
    uint64_t seed;
    uint64_t commit_max;
    size_t *bytes; /* shared by an index's overlays: what all their puts take */
};

void overlay_init(struct overlay *overlay, uint64_t seed, size_t *bytes);
void overlay_done(struct overlay *overlay);

/* What a put of these sizes adds to *bytes, its share of the buckets included. */
size_t overlay_put_bytes(size_t key_size, size_t value_size);
/* Commits are numbered upwards. False: no memory, and nothing has changed. An absent value removes.
 */
bool overlay_put(struct overlay *overlay, uint64_t commit, uint8_t table, struct text key,
                 struct text value);
/* The newest put, NULL if there is none. */
const struct put *overlay_find(const struct overlay *overlay, uint8_t table, struct text key);
struct text put_key(const struct put *put);
struct text put_value(const struct put *put); /* absent: it removes */

/* The puts in order, from the front; NULL at the end. */
struct place overlay_front(const struct overlay *overlay);
const struct put *overlay_next(struct place *place);

/* Takes away all puts of commits below / not below this one. */
void overlay_drop_before(struct overlay *overlay, uint64_t commit);
void overlay_drop_from(struct overlay *overlay, uint64_t commit);

/* Adds `delta` to the number (int64_t, as the machine has it) that begins each value of this table
 * put by a commit not below this one; asserts that they hold one. */
void overlay_shift(struct overlay *overlay, uint64_t commit, uint8_t table, int64_t delta);
