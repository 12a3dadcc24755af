/* The rows of a view that were used lately, in two generations. */
#include "projector/cache.h"

#include "lib/log/partition.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 1024

void cache_init(struct cache *cache, const struct record *record, const char *key, size_t bytes_max,
                size_t headroom_bytes)
{
    const struct field *field = record_find_field(record, key);
    assert(field != NULL && field->kind == FIELD_TEXT);
    *cache = (struct cache){
        .record = record,
        .key_offset = field->offset,
        .bytes_max = bytes_max,
    };
    arena_init(&cache->young.arena, bytes_max + headroom_bytes);
    arena_init(&cache->old.arena, bytes_max + headroom_bytes);
}

static void forget(struct cache_generation *generation)
{
    arena_reset(&generation->arena);
    free(generation->slots);
    generation->slots = NULL;
    generation->slot_count = 0;
    generation->row_count = 0;
}

void cache_clear(struct cache *cache)
{
    forget(&cache->young);
    forget(&cache->old);
}

void cache_done(struct cache *cache)
{
    cache_clear(cache);
    arena_done(&cache->young.arena);
    arena_done(&cache->old.arena);
}

/* Keys of one partition share the low bits of their murmur2: spread them again. */
static size_t first_slot(const struct cache_generation *generation, uint32_t hash)
{
    return (size_t)((hash * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (generation->slot_count - 1);
}

/* The slot that holds the key, or the free one where it belongs. */
static struct cached_row **find_slot(const struct cache_generation *generation, uint32_t hash,
                                     struct text key)
{
    size_t slot = first_slot(generation, hash);
    while (generation->slots[slot] != NULL) {
        const struct cached_row *row = generation->slots[slot];
        if (row->hash == hash && text_equal(row->key, key))
            break;
        slot = (slot + 1) & (generation->slot_count - 1);
    }
    return &generation->slots[slot];
}

static bool grow(struct cache_generation *generation)
{
    if (2 * (generation->row_count + 1) <= generation->slot_count)
        return true;
    struct cache_generation grown = *generation;
    grown.slot_count = generation->slot_count == 0 ? SLOTS_MIN : 2 * generation->slot_count;
    grown.slots = calloc(grown.slot_count, sizeof(struct cached_row *));
    if (grown.slots == NULL)
        return false;
    for (size_t i = 0; i < generation->slot_count; i++) {
        struct cached_row *row = generation->slots[i];
        if (row != NULL)
            *find_slot(&grown, row->hash, row->key) = row;
    }
    free(generation->slots);
    *generation = grown;
    return true;
}

static struct cached_row *make_row(struct cache *cache, uint32_t hash, struct text key)
{
    const struct record *record = cache->record;
    struct arena *arena = &cache->young.arena;
    struct cached_row *row = arena_alloc_zeroed(arena, sizeof(*row) + record->size);
    struct text own_key = arena_copy_text(arena, key);
    if (row == NULL || own_key.bytes == NULL)
        return NULL;
    row->hash = hash;
    row->key = own_key;
    if (record->defaults != NULL)
        memcpy(row->values, record->defaults, record->size);
    memcpy(row->values + cache->key_offset, &own_key, sizeof(own_key));
    return row;
}

struct cached_row *cache_get(struct cache *cache, struct text key)
{
    uint32_t hash = log_murmur2(key.bytes, key.size);
    if (!grow(&cache->young))
        return NULL;
    struct cached_row **slot = find_slot(&cache->young, hash, key);
    if (*slot != NULL)
        return *slot;
    struct cached_row *row = make_row(cache, hash, key);
    if (row == NULL)
        return NULL;
    if (cache->old.row_count > 0) {
        const struct cached_row *old = *find_slot(&cache->old, hash, key);
        if (old != NULL && old->loaded && !cache_fill(cache, row, old->values))
            return NULL;
    }
    *slot = row;
    cache->young.row_count++;
    return row;
}

/* Copies the texts that neither `before`, if given, nor the row's own key holds already. */
static bool own_texts(struct cache *cache, struct cached_row *row, const void *before)
{
    const struct record *record = cache->record;
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        if (field->kind != FIELD_TEXT && field->kind != FIELD_BYTES)
            continue;
        struct text *is = (void *)(row->values + field->offset);
        const struct text *was =
            before == NULL ? &row->key : (const void *)((const uint8_t *)before + field->offset);
        if (is->bytes == NULL || is->bytes == was->bytes)
            continue;
        *is = arena_copy_text(&cache->young.arena, *is);
        if (is->bytes == NULL)
            return false;
    }
    return true;
}

bool cache_fill(struct cache *cache, struct cached_row *row, const void *values)
{
    memcpy(row->values, values, cache->record->size);
    memcpy(row->values + cache->key_offset, &row->key, sizeof(row->key));
    row->loaded = true;
    return own_texts(cache, row, NULL);
}

bool cache_keep_texts(struct cache *cache, struct cached_row *row, const void *before)
{
    return own_texts(cache, row, before);
}

static size_t bytes_used(const struct cache_generation *generation)
{
    return generation->arena.used + generation->slot_count * sizeof(struct cached_row *);
}

void cache_age(struct cache *cache)
{
    if (bytes_used(&cache->young) <= cache->bytes_max / 2)
        return;
    forget(&cache->old);
    struct cache_generation full = cache->young;
    cache->young = cache->old;
    cache->old = full;
}
