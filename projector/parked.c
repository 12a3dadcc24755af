/* The row keys of a view behind which events wait. */
#include "projector/parked.h"

#include "lib/log/partition.h"
#include <stdlib.h>
#include <string.h>

#define SLOTS     ((size_t)4 * 8192) /* at most a third of it is used */
#define BYTES_MAX ((size_t)64 * 1024 * 1024)

void parked_init(struct parked *parked)
{
    *parked = (struct parked){0};
    arena_init(&parked->arena, BYTES_MAX);
}

void parked_clear(struct parked *parked)
{
    arena_reset(&parked->arena);
    free(parked->keys);
    free(parked->slots);
    free(parked->discarded);
    parked->keys = NULL;
    parked->slots = NULL;
    parked->discarded = NULL;
    parked->count = parked->stored = parked->discarded_count = 0;
}

void parked_done(struct parked *parked)
{
    parked_clear(parked);
    arena_done(&parked->arena);
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t *find_slot(const struct parked *parked, struct text key)
{
    uint64_t spread = log_murmur2(key.bytes, key.size) * UINT64_C(0x9E3779B97F4A7C15);
    size_t slot = (size_t)(spread >> 32) & (SLOTS - 1);
    while (parked->slots[slot] != 0 && !text_equal(parked->keys[parked->slots[slot] - 1], key))
        slot = (slot + 1) & (SLOTS - 1);
    return &parked->slots[slot];
}

bool parked_has(const struct parked *parked, struct text key)
{
    return parked->count > 0 && *find_slot(parked, key) != 0;
}

static bool make_room(struct parked *parked)
{
    if (parked->slots == NULL)
        parked->slots = calloc(SLOTS, sizeof(*parked->slots));
    if (parked->keys == NULL)
        parked->keys = calloc(PARKED_KEYS_MAX, sizeof(*parked->keys));
    return parked->slots != NULL && parked->keys != NULL;
}

bool parked_add(struct parked *parked, struct text key, struct error *error)
{
    if (!make_room(parked))
        return error_set(error, FAULT_OUT_OF_MEMORY, "parked keys");
    uint32_t *slot = find_slot(parked, key);
    if (*slot != 0)
        return true;
    if (parked->count == PARKED_KEYS_MAX)
        return error_set(error, FAULT_LIMIT_EXCEEDED,
                         "%d keys are parked already: this is no single poison event",
                         PARKED_KEYS_MAX);
    struct text own = arena_copy_text(&parked->arena, key);
    if (own.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "parked keys");
    parked->keys[parked->count++] = own;
    *slot = (uint32_t)parked->count;
    return true;
}

void parked_keep(struct parked *parked)
{
    parked->stored = parked->count;
}

void parked_undo(struct parked *parked)
{
    if (parked->count == parked->stored)
        return;
    parked->count = parked->stored;
    memset(parked->slots, 0, SLOTS * sizeof(*parked->slots));
    for (size_t i = 0; i < parked->count; i++)
        *find_slot(parked, parked->keys[i]) = (uint32_t)i + 1;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct uuid));
}

void parked_set_discarded(struct parked *parked, struct uuid *ids, size_t count)
{
    free(parked->discarded);
    parked->discarded = ids;
    parked->discarded_count = count;
    if (count > 0)
        qsort(ids, count, sizeof(*ids), compare_ids);
}

bool parked_is_discarded(const struct parked *parked, const struct uuid *event_id)
{
    return parked->discarded_count > 0 &&
           bsearch(event_id, parked->discarded, parked->discarded_count, sizeof(*event_id),
                   compare_ids) != NULL;
}
