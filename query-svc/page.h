/* Lists in pages: a cursor is the first column of the page's last row, opaque to clients. A list's
 * input begins with a struct page, its fields with PAGE_FIELDS; its statement asks for page_rows
 * rows and its first column, a text, is its order. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/buffer.h"
#include "lib/db/connection.h"

#define PAGE_SIZE_INITIAL 20
#define PAGE_SIZE_MAX     100

struct page {
    struct text cursor; /* once page_open is done: the key that the last page ended with */
    struct optional_integer limit;
};

#define PAGE_FIELDS                                                                                \
    {.name = "cursor",                                                                             \
     .kind = FIELD_TEXT,                                                                           \
     .optional = true,                                                                             \
     .in_path = true,                                                                              \
     .max = 400,                                                                                   \
     .offset = offsetof(struct page, cursor)},                                                     \
    {                                                                                              \
        .name = "limit", .kind = FIELD_INTEGER, .optional = true, .in_path = true, .min = 1,       \
        .max = PAGE_SIZE_MAX, .offset = offsetof(struct page, limit)                               \
    }

/* Turns the cursor into the key. False: it is none of ours (or memory ran out). */
MUST_CHECK bool page_open(struct page *page, enum text_format format, struct arena *arena);
/* One more than a page holds, to know whether there is another. */
int64_t page_rows(const struct page *page);
/* {"items":[…],"next_cursor":"…"} */
void page_write(const struct page *page, const struct record *row, const struct db_rows *rows,
                struct buffer *out);
