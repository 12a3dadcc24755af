/* Journal memory comes in chunks that are given back as their last put leaves; the last one is
 * kept. The buckets are our own because four puts of each commit pass through: chained, so that
 * taking out the oldest is one unlink, and growing is never needed for a put to succeed. */
#include "lib/index/overlay.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE       (64 * 1024 - 64) /* with malloc's own word still below a power of two */
#define BUCKETS_MIN      256
#define BUCKETS_KEPT_MAX 8192 /* more are given back when the overlay is empty */
#define BUCKETS_PER_PUT  2    /* at worst, right after doubling */

struct chunk {
    struct chunk *next;
    size_t used;
    size_t capacity;
    char bytes[];
};

void overlay_init(struct overlay *overlay, uint64_t seed, size_t *bytes)
{
    *overlay = (struct overlay){.seed = seed, .bytes = bytes};
}

void overlay_done(struct overlay *overlay)
{
    for (struct chunk *chunk = overlay->front.chunk, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(overlay->buckets);
    *overlay = (struct overlay){0};
}

static size_t put_size(size_t key_size, size_t value_size)
{
    size_t size = offsetof(struct put, bytes) + key_size + value_size;
    size_t alignment = _Alignof(struct put);
    return (size + alignment - 1) / alignment * alignment;
}

static size_t size_of(const struct put *put)
{
    return put_size(put->key_size, put->value_size);
}

size_t overlay_put_bytes(size_t key_size, size_t value_size)
{
    return put_size(key_size, value_size) + BUCKETS_PER_PUT * sizeof(struct put *);
}

static size_t bytes_of(const struct put *put)
{
    return overlay_put_bytes(put->key_size, put->value_size);
}

struct text put_key(const struct put *put)
{
    return (struct text){.bytes = put->bytes, .size = put->key_size};
}

struct text put_value(const struct put *put)
{
    if (put->removes)
        return (struct text){0};
    return (struct text){.bytes = put->bytes + put->key_size, .size = put->value_size};
}

/* Seeded, since clients choose parts of the keys; multiply and fold, eight bytes at a time. */
static uint32_t hash_key(uint64_t seed, uint8_t table, struct text key)
{
    uint64_t hash = seed ^ ((uint64_t)key.size << 8 | table);
    for (size_t i = 0; i < key.size; i += 8) {
        uint64_t word = 0;
        size_t left = key.size - i;
        memcpy(&word, key.bytes + i, left < 8 ? left : 8);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 29;
    }
    hash *= 0xBF58476D1CE4E5B9u;
    return (uint32_t)(hash >> 32);
}

static struct put **bucket_of(const struct overlay *overlay, uint32_t hash)
{
    return &overlay->buckets[hash & (overlay->bucket_count - 1)];
}

/* The link that points to the key's newest put, or the one at the bucket's end. */
static struct put **link_of_key(const struct overlay *overlay, uint32_t hash, uint8_t table,
                                struct text key)
{
    struct put **link = bucket_of(overlay, hash);
    while (*link != NULL &&
           ((*link)->hash != hash || (*link)->table != table || !text_equal(put_key(*link), key)))
        link = &(*link)->beside;
    return link;
}

static struct put **link_of_put(const struct overlay *overlay, const struct put *newest)
{
    struct put **link = bucket_of(overlay, newest->hash);
    while (*link != newest) {
        assert(*link != NULL);
        link = &(*link)->beside;
    }
    return link;
}

/* Without memory it stays as it is, with longer chains; false only when there are no buckets at
 * all. */
static bool grow_buckets(struct overlay *overlay)
{
    size_t count = overlay->bucket_count > 0 ? overlay->bucket_count * 2 : BUCKETS_MIN;
    struct put **buckets = calloc(count, sizeof(struct put *));
    if (buckets == NULL)
        return overlay->bucket_count > 0;
    for (size_t i = 0; i < overlay->bucket_count; i++) {
        for (struct put *put = overlay->buckets[i], *next; put != NULL; put = next) {
            next = put->beside;
            put->beside = buckets[put->hash & (count - 1)];
            buckets[put->hash & (count - 1)] = put;
        }
    }
    free(overlay->buckets);
    overlay->buckets = buckets;
    overlay->bucket_count = count;
    return true;
}

static struct put *take_room(struct overlay *overlay, size_t size)
{
    struct chunk *last = overlay->last;
    if (last == NULL || last->capacity - last->used < size) {
        size_t capacity = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        struct chunk *chunk = malloc(sizeof *chunk + capacity);
        if (chunk == NULL)
            return NULL;
        *chunk = (struct chunk){.capacity = capacity};
        if (last != NULL)
            last->next = chunk;
        else
            overlay->front = (struct place){.chunk = chunk};
        overlay->last = last = chunk;
    }
    struct put *put = (struct put *)(void *)(last->bytes + last->used);
    last->used += size;
    return put;
}

bool overlay_put(struct overlay *overlay, uint64_t commit, uint8_t table, struct text key,
                 struct text value)
{
    assert(key.size <= UINT16_MAX && value.size <= UINT32_MAX && commit >= overlay->commit_max);
    if (overlay->key_count >= overlay->bucket_count && !grow_buckets(overlay))
        return false;
    struct put *put = take_room(overlay, put_size(key.size, value.size));
    if (put == NULL)
        return false;

    uint32_t hash = hash_key(overlay->seed, table, key);
    struct put **link = link_of_key(overlay, hash, table, key);
    struct put *older = *link;
    *put = (struct put){.older = older,
                        .beside = older != NULL ? older->beside : NULL,
                        .commit = commit,
                        .hash = hash,
                        .value_size = (uint32_t)value.size,
                        .key_size = (uint16_t)key.size,
                        .table = table,
                        .removes = value.bytes == NULL};
    memcpy(put->bytes, key.bytes, key.size);
    if (value.size > 0)
        memcpy(put->bytes + key.size, value.bytes, value.size);
    if (older != NULL)
        older->newer = put;
    else
        overlay->key_count++;
    *link = put;
    *overlay->bytes += bytes_of(put);

    if (commit > overlay->commit_max || overlay->recent.chunk == NULL) {
        size_t offset = (size_t)((char *)put - overlay->last->bytes);
        overlay->recent = (struct place){.chunk = overlay->last, .offset = offset};
    }
    overlay->commit_max = commit;
    return true;
}

const struct put *overlay_find(const struct overlay *overlay, uint8_t table, struct text key)
{
    if (overlay->key_count == 0)
        return NULL;
    return *link_of_key(overlay, hash_key(overlay->seed, table, key), table, key);
}

struct place overlay_front(const struct overlay *overlay)
{
    return overlay->front;
}

static struct put *put_at(struct place *place)
{
    while (place->chunk != NULL && place->offset == place->chunk->used) {
        if (place->chunk->next == NULL)
            return NULL;
        *place = (struct place){.chunk = place->chunk->next};
    }
    if (place->chunk == NULL)
        return NULL;
    return (struct put *)(void *)(place->chunk->bytes + place->offset);
}

const struct put *overlay_next(struct place *place)
{
    const struct put *put = put_at(place);
    if (put != NULL)
        place->offset += size_of(put);
    return put;
}

static void free_passed_chunks(struct overlay *overlay)
{
    struct place *front = &overlay->front;
    while (front->chunk != NULL && front->chunk->next != NULL &&
           front->offset == front->chunk->used) {
        struct chunk *passed = front->chunk;
        *front = (struct place){.chunk = passed->next};
        free(passed);
    }
}

/* Keeps one chunk of the usual size and few buckets for what comes next. */
static void settle_when_empty(struct overlay *overlay)
{
    struct chunk *last = overlay->last;
    if (last == NULL || overlay->key_count > 0)
        return;
    free_passed_chunks(overlay);
    assert(overlay->front.chunk == last && overlay->front.offset == last->used);
    overlay->recent = (struct place){0};
    overlay->front.offset = 0;
    last->used = 0;
    if (last->capacity > CHUNK_SIZE) {
        free(last);
        overlay->last = NULL;
        overlay->front = (struct place){0};
    }
    if (overlay->bucket_count > BUCKETS_KEPT_MAX) {
        free(overlay->buckets);
        overlay->buckets = NULL;
        overlay->bucket_count = 0;
    }
}

/* The oldest put of its key leaves. */
static void unlink_oldest(struct overlay *overlay, struct put *put)
{
    *overlay->bytes -= bytes_of(put);
    if (put->newer != NULL) {
        put->newer->older = NULL;
        return;
    }
    *link_of_put(overlay, put) = put->beside;
    overlay->key_count--;
}

void overlay_drop_before(struct overlay *overlay, uint64_t commit)
{
    struct put *put;
    free_passed_chunks(overlay);
    while ((put = put_at(&overlay->front)) != NULL && put->commit < commit) {
        overlay->front.offset += size_of(put);
        unlink_oldest(overlay, put);
        free_passed_chunks(overlay);
    }
    settle_when_empty(overlay);
}

/* Of a key's puts that leave together only the oldest does anything: it knows what remains. */
static void unlink_newest(struct overlay *overlay, struct put *put, uint64_t commit)
{
    struct put *older = put->older, *newest = put;
    *overlay->bytes -= bytes_of(put);
    if (older != NULL && older->commit >= commit)
        return;
    while (newest->newer != NULL)
        newest = newest->newer;
    struct put **link = link_of_put(overlay, newest);
    if (older != NULL) {
        older->newer = NULL;
        older->beside = newest->beside;
        *link = older;
    } else {
        *link = newest->beside;
        overlay->key_count--;
    }
}

static void cut(struct overlay *overlay, struct place place)
{
    for (struct chunk *chunk = place.chunk->next, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    place.chunk->next = NULL;
    place.chunk->used = place.offset;
    overlay->last = place.chunk;
}

void overlay_drop_from(struct overlay *overlay, uint64_t commit)
{
    struct place place = overlay->front;
    if (overlay->recent.chunk != NULL && commit >= overlay->commit_max)
        place = overlay->recent;

    struct put *put = put_at(&place);
    while (put != NULL && put->commit < commit) {
        place.offset += size_of(put);
        put = put_at(&place);
    }
    for (struct place end = place; put != NULL; put = put_at(&end)) {
        end.offset += size_of(put);
        unlink_newest(overlay, put, commit);
    }
    if (place.chunk != NULL)
        cut(overlay, place);
    if (overlay->commit_max >= commit) {
        overlay->commit_max = commit;
        overlay->recent = (struct place){0};
    }
    settle_when_empty(overlay);
}

void overlay_shift(struct overlay *overlay, uint64_t commit, uint8_t table, int64_t delta)
{
    struct place place = overlay->front;
    struct put *put;

    for (; (put = put_at(&place)) != NULL; place.offset += size_of(put)) {
        int64_t number;
        if (put->commit < commit || put->table != table || put->removes)
            continue;
        assert(put->value_size >= sizeof number);
        memcpy(&number, put->bytes + put->key_size, sizeof number);
        number += delta;
        memcpy(put->bytes + put->key_size, &number, sizeof number);
    }
}
