/* Cursors are base64url without padding (RFC 4648 section 5): nothing in them needs escaping in a
 * URL. */
#include "query-svc/page.h"
#include "lib/core/base64.h"
#include "lib/core/id.h"
#include "lib/record/json.h"

bool page_open(struct page *page, enum text_format format, struct arena *arena)
{
    struct uuid uuid;

    if (page->cursor.bytes == NULL)
        return true;
    if (!base64url_read(page->cursor, arena, &page->cursor) || page->cursor.bytes == NULL)
        return false;
    if (format == TEXT_UUID)
        return uuid_parse(page->cursor, &uuid);
    return text_is_utf8(page->cursor, NULL);
}

static int64_t page_size(const struct page *page)
{
    return page->limit.present ? page->limit.value : PAGE_SIZE_INITIAL;
}

int64_t page_rows(const struct page *page)
{
    return page_size(page) + 1;
}

void page_write(const struct page *page, const struct record *row, const struct db_rows *rows,
                struct buffer *out)
{
    const char *items = rows->items;
    size_t size = (size_t)page_size(page);
    size_t shown = rows->count < size ? rows->count : size;

    buffer_put_string(out, "{\"items\":[");
    for (size_t i = 0; i < shown; i++) {
        if (i > 0)
            buffer_put_byte(out, ',');
        json_write(row, items + i * row->size, out);
    }
    buffer_put_byte(out, ']');
    if (rows->count > shown) {
        const void *last = items + (shown - 1) * row->size + row->fields[0].offset;
        buffer_put_string(out, ",\"next_cursor\":\"");
        base64url_write(*(const struct text *)last, out);
        buffer_put_byte(out, '"');
    }
    buffer_put_byte(out, '}');
}
