/* Memory that lives as long as one request, message or batch: taken piecewise, given back whole.
 * One thread at a time. Pieces are aligned to 16 bytes and not zeroed. */
#pragma once

#include "lib/core/check.h"
#include "lib/core/text.h"
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *current;
    struct arena_block *first;
    size_t used;     /* bytes handed out since the last reset */
    size_t size_max; /* more than that is refused */
};

/* Allocates nothing until the first piece. The first block is kept across resets. */
void arena_init(struct arena *arena, size_t size_max);
void arena_done(struct arena *arena);
void arena_reset(struct arena *arena);

/* NULL when size_max is reached or memory ran out. */
MUST_CHECK void *arena_alloc(struct arena *arena, size_t size);
MUST_CHECK void *arena_alloc_zeroed(struct arena *arena, size_t size);
MUST_CHECK void *arena_copy(struct arena *arena, const void *bytes, size_t size);
/* NUL-terminated copies; .bytes / the result is NULL on failure. */
MUST_CHECK struct text arena_copy_text(struct arena *arena, struct text text);
MUST_CHECK char *arena_join(struct arena *arena, const struct text *pieces, size_t count);
MUST_CHECK char *arena_print(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
