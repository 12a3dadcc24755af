/* Blocks in a chain, each at least as large as the one before; pieces are cut off the newest. What
 * is not handed out is poisoned, so that AddressSanitizer sees a use after a reset. */
#include "lib/core/arena.h"

#include <assert.h>
#include <sanitizer/asan_interface.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_SIZE_MAX  (SIZE_MAX / 2) /* rounding up and the block's head cannot overflow */
#define ALIGNMENT       16
#define BLOCK_SIZE_MIN  4096
#define BLOCK_SIZE_GROW 65536 /* blocks double up to here */

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    alignas(ALIGNMENT) uint8_t bytes[];
};

void arena_init(struct arena *arena, size_t size_max)
{
    *arena = (struct arena){.size_max = size_max};
}

static void free_from(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_done(struct arena *arena)
{
    free_from(arena->first);
    arena_init(arena, arena->size_max);
}

void arena_reset(struct arena *arena)
{
    arena->used = 0;
    arena->current = arena->first;
    if (arena->first == NULL)
        return;
    free_from(arena->first->next);
    arena->first->next = NULL;
    arena->first->used = 0;
    ASAN_POISON_MEMORY_REGION(arena->first->bytes, arena->first->size);
}

static size_t block_size(const struct arena *arena, size_t piece)
{
    size_t size = BLOCK_SIZE_MIN;
    if (arena->current != NULL)
        size = 2 * arena->current->size;
    if (size > BLOCK_SIZE_GROW)
        size = BLOCK_SIZE_GROW;
    return piece > size ? piece : size;
}

static struct arena_block *add_block(struct arena *arena, size_t piece)
{
    size_t size = block_size(arena, piece);
    struct arena_block *block = malloc(sizeof(*block) + size);
    if (block == NULL)
        return NULL;
    block->next = NULL;
    block->size = size;
    block->used = 0;
    ASAN_POISON_MEMORY_REGION(block->bytes, size);
    if (arena->current == NULL)
        arena->first = block;
    else
        arena->current->next = block;
    arena->current = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    /* Empty pieces get an address of their own as well: NULL always means failure. */
    if (size > arena->size_max || size > PIECE_SIZE_MAX)
        return NULL;
    size_t piece = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    assert(arena->used <= arena->size_max);
    if (piece > arena->size_max - arena->used)
        return NULL;
    struct arena_block *block = arena->current;
    if (block == NULL || piece > block->size - block->used)
        block = add_block(arena, piece);
    if (block == NULL)
        return NULL;
    void *bytes = block->bytes + block->used;
    block->used += piece;
    arena->used += piece;
    ASAN_UNPOISON_MEMORY_REGION(bytes, size);
    return bytes;
}

void *arena_alloc_zeroed(struct arena *arena, size_t size)
{
    void *bytes = arena_alloc(arena, size);
    if (bytes != NULL)
        memset(bytes, 0, size);
    return bytes;
}

void *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (copy != NULL && size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

struct text arena_copy_text(struct arena *arena, struct text text)
{
    if (text.size > PIECE_SIZE_MAX)
        return (struct text){0};
    char *copy = arena_alloc(arena, text.size + 1);
    if (copy == NULL)
        return (struct text){0};
    if (text.size > 0)
        memcpy(copy, text.bytes, text.size);
    copy[text.size] = '\0';
    return (struct text){.bytes = copy, .size = text.size};
}

char *arena_join(struct arena *arena, const struct text *pieces, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].size;
    char *joined = arena_alloc(arena, size + 1), *at = joined;
    if (joined == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (pieces[i].size > 0)
            at = (char *)memcpy(at, pieces[i].bytes, pieces[i].size) + pieces[i].size;
    *at = '\0';
    return joined;
}

/* Prints into what is left of the block and cuts that off afterwards: mostly it fits at once. */
char *arena_print(struct arena *arena, const char *format, ...)
{
    const struct arena_block *block = arena->current;
    size_t room = block == NULL ? 0 : block->size - block->used;
    char *tail = room == 0 ? NULL : (char *)arena->current->bytes + block->used;
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    ASAN_UNPOISON_MEMORY_REGION(tail, room);
    int size = vsnprintf(tail, room, format, arguments);
    ASAN_POISON_MEMORY_REGION(tail, room);
    va_end(arguments);
    char *string = size < 0 ? NULL : arena_alloc(arena, (size_t)size + 1);
    if (string != NULL && string != tail)
        (void)vsnprintf(string, (size_t)size + 1, format, again);
    va_end(again);
    return string;
}
