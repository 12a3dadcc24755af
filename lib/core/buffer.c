/* Doubling growth up to the limit; a failure sticks, so that callers look once. */
#include "lib/core/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 256

void buffer_init(struct buffer *buffer, size_t size_max)
{
    *buffer = (struct buffer){.size_max = size_max};
}

void buffer_done(struct buffer *buffer)
{
    free(buffer->bytes);
    buffer_init(buffer, buffer->size_max);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

static bool grow(struct buffer *buffer, size_t size)
{
    size_t capacity = buffer->capacity < CAPACITY_MIN ? CAPACITY_MIN : buffer->capacity;
    while (capacity < size)
        capacity = capacity > buffer->size_max / 2 ? buffer->size_max : 2 * capacity;
    if (capacity > buffer->size_max)
        capacity = buffer->size_max;
    uint8_t *bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL)
        return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

/* Room for `size` more bytes, or failed. */
static bool reserve(struct buffer *buffer, size_t size)
{
    if (buffer->failed)
        return false;
    assert(buffer->size <= buffer->size_max);
    if (size <= buffer->capacity - buffer->size)
        return true;
    if (size > buffer->size_max - buffer->size || !grow(buffer, buffer->size + size))
        buffer->failed = true;
    return !buffer->failed;
}

void buffer_put(struct buffer *buffer, const void *bytes, size_t size)
{
    if (size == 0 || !reserve(buffer, size))
        return;
    memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
}

void buffer_put_byte(struct buffer *buffer, uint8_t byte)
{
    if (!reserve(buffer, 1))
        return;
    buffer->bytes[buffer->size++] = byte;
}

void buffer_put_text(struct buffer *buffer, struct text text)
{
    buffer_put(buffer, text.bytes, text.size);
}

void buffer_put_string(struct buffer *buffer, const char *string)
{
    buffer_put(buffer, string, strlen(string));
}

void buffer_put_integer(struct buffer *buffer, int64_t value)
{
    char digits[TEXT_INTEGER_SIZE];
    buffer_put_text(buffer, text_of_integer(value, digits));
}

void buffer_print(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0)
        buffer->failed = true;
    /* The NUL needs a place too, but is not kept. */
    char small[256];
    if (size >= 0 && (size_t)size < sizeof(small)) {
        (void)vsnprintf(small, sizeof(small), format, again);
        buffer_put(buffer, small, (size_t)size);
    } else if (size >= 0 && reserve(buffer, (size_t)size + 1)) {
        (void)vsnprintf((char *)buffer->bytes + buffer->size, (size_t)size + 1, format, again);
        buffer->size += (size_t)size;
    }
    va_end(again);
}

static void put_escaped(struct buffer *buffer, unsigned char byte)
{
    static const char short_forms[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };
    static const char hex[] = "0123456789abcdef";
    char escape[6] = {'\\', (char)byte};
    size_t size = 2;
    if (byte < 0x20 && short_forms[byte] != 0) {
        escape[1] = short_forms[byte];
    } else if (byte < 0x20) {
        memcpy(escape, "\\u00", 4);
        escape[4] = hex[byte >> 4];
        escape[5] = hex[byte & 15];
        size = 6;
    }
    buffer_put(buffer, escape, size);
}

void buffer_put_json_string(struct buffer *buffer, struct text text)
{
    buffer_put_byte(buffer, '"');
    size_t start = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        if (i > start)
            buffer_put(buffer, text.bytes + start, i - start);
        put_escaped(buffer, byte);
        start = i + 1;
    }
    if (text.size > start)
        buffer_put(buffer, text.bytes + start, text.size - start);
    buffer_put_byte(buffer, '"');
}

struct text buffer_text(const struct buffer *buffer)
{
    /* Empty is not absent. */
    if (buffer->bytes == NULL)
        return (struct text){.bytes = "", .size = 0};
    return (struct text){.bytes = (const char *)buffer->bytes, .size = buffer->size};
}
