/* Cursors are base64url without padding (RFC 4648 section 5): nothing in them needs escaping in a
 * URL. */
#include "query-svc/page.h"
#include "lib/core/id.h"
#include "lib/record/json.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int digit_value(char digit)
{
    for (int i = 0; i < 64; i++)
        if (digits[i] == digit)
            return i;
    return -1;
}

static bool decode(struct text cursor, struct arena *arena, struct text *ret_key)
{
    char *bytes = arena_alloc(arena, cursor.size + 1);
    size_t size = 0;
    uint32_t bits = 0;
    int bit_count = 0;

    if (bytes == NULL || cursor.size % 4 == 1)
        return false;
    for (size_t i = 0; i < cursor.size; i++) {
        int value = digit_value(cursor.bytes[i]);
        if (value < 0)
            return false;
        bits = (bits << 6 | (uint32_t)value) & 0xffff;
        bit_count += 6;
        if (bit_count < 8)
            continue;
        bit_count -= 8;
        bytes[size++] = (char)(bits >> bit_count & 0xff);
    }
    *ret_key = (struct text){.bytes = bytes, .size = size};
    return true;
}

static void encode(struct text key, struct buffer *out)
{
    uint32_t bits = 0;
    int bit_count = 0;

    for (size_t i = 0; i < key.size; i++) {
        bits = (bits << 8 | (uint8_t)key.bytes[i]) & 0xffff;
        for (bit_count += 8; bit_count >= 6; bit_count -= 6)
            buffer_put_byte(out, (uint8_t)digits[bits >> (bit_count - 6) & 63]);
    }
    if (bit_count > 0)
        buffer_put_byte(out, (uint8_t)digits[bits << (6 - bit_count) & 63]);
}

bool page_open(struct page *page, enum text_format format, struct arena *arena)
{
    struct uuid uuid;

    if (page->cursor.bytes == NULL)
        return true;
    if (!decode(page->cursor, arena, &page->cursor))
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
        encode(*(const struct text *)last, out);
        buffer_put_byte(out, '"');
    }
    buffer_put_byte(out, '}');
}
