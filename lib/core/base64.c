/* Groups of three bytes as four digits. Bits beyond the last byte must be zero, so that every text
 * has one spelling. */
#include "lib/core/base64.h"

#include <string.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(struct text bytes, const char *digits, bool padded, struct buffer *out)
{
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t left = bytes.size - at < 3 ? bytes.size - at : 3;
        uint32_t group = 0;
        char coded[4];
        for (size_t i = 0; i < 3; i++)
            group = group << 8 | (i < left ? (uint8_t)bytes.bytes[at + i] : 0);
        for (size_t i = 0; i < 4; i++)
            coded[i] = i <= left ? digits[group >> (18 - 6 * i) & 63] : '=';
        buffer_put(out, coded, padded ? sizeof(coded) : left + 1);
    }
}

static int digit_value(const char *digits, char character)
{
    const char *found = character == '\0' ? NULL : strchr(digits, character);

    return found == NULL ? -1 : (int)(found - digits);
}

/* Without padding. */
static bool decode(struct text text, const char *digits, struct arena *arena,
                   struct text *ret_bytes)
{
    uint32_t bits = 0;
    int bit_count = 0;
    size_t size = 0;

    if (text.size % 4 == 1)
        return false;
    char *bytes = arena_alloc(arena, text.size / 4 * 3 + 3);
    for (size_t i = 0; i < text.size; i++) {
        int value = digit_value(digits, text.bytes[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count >= 8 && bytes != NULL)
            bytes[size++] = (char)(uint8_t)(bits >> (bit_count - 8));
        bit_count -= bit_count >= 8 ? 8 : 0;
    }
    if ((bits & ((1u << bit_count) - 1)) != 0)
        return false;
    *ret_bytes = (struct text){bytes, size};
    return true;
}

void base64_write(struct text bytes, struct buffer *out)
{
    buffer_put_byte(out, '"');
    encode(bytes, standard, true, out);
    buffer_put_byte(out, '"');
}

void base64url_write(struct text bytes, struct buffer *out)
{
    encode(bytes, for_urls, false, out);
}

bool base64_read(struct text text, struct arena *arena, struct text *ret_bytes)
{
    size_t padding = 0;

    if (text.size % 4 != 0)
        return false;
    while (padding < 2 && padding < text.size && text.bytes[text.size - 1 - padding] == '=')
        padding++;
    text.size -= padding;
    return decode(text, standard, arena, ret_bytes);
}

bool base64url_read(struct text text, struct arena *arena, struct text *ret_bytes)
{
    return decode(text, for_urls, arena, ret_bytes);
}
