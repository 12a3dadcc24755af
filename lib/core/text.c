/* Comparing, reading and checking borrowed text. */
#include "lib/core/text.h"

#include <string.h>

struct text text_of(const char *string)
{
    return (struct text){.bytes = string, .size = string == NULL ? 0 : strlen(string)};
}

bool text_equal(struct text a, struct text b)
{
    if ((a.bytes == NULL) != (b.bytes == NULL))
        return false;
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

bool text_is(struct text a, const char *string)
{
    return text_equal(a, text_of(string));
}

bool text_starts_with(struct text a, const char *prefix)
{
    size_t size = strlen(prefix);
    return a.bytes != NULL && a.size >= size && memcmp(a.bytes, prefix, size) == 0;
}

bool text_to_integer(struct text a, int64_t *ret_value)
{
    if (a.size == 0)
        return false;
    bool negative = a.bytes[0] == '-';
    size_t i = negative || a.bytes[0] == '+' ? 1 : 0;
    if (i == a.size)
        return false;
    int64_t value = 0; /* kept negative: INT64_MIN has no positive twin */
    for (; i < a.size; i++) {
        int digit = a.bytes[i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *ret_value = negative ? value : -value;
    return true;
}

struct text text_of_integer(int64_t value, char digits[static TEXT_INTEGER_SIZE])
{
    size_t start = TEXT_INTEGER_SIZE;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        digits[--start] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--start] = '-';
    return (struct text){.bytes = digits + start, .size = TEXT_INTEGER_SIZE - start};
}

/* How long the sequence starting here is, 0 if it is not well-formed (Unicode 15, table 3-7). */
static size_t sequence_size(const unsigned char *at, size_t left)
{
    unsigned char lead = at[0];
    if (lead < 0x80)
        return lead != 0 ? 1 : 0;
    size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < size)
        return 0;
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

/* Eight bytes, all of them ASCII and none NUL. */
static bool is_plain_word(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    uint64_t zeroes = (word - UINT64_C(0x0101010101010101)) & ~word;
    return ((word | zeroes) & UINT64_C(0x8080808080808080)) == 0;
}

bool text_is_utf8(struct text a, size_t *ret_characters)
{
    const unsigned char *at = (const unsigned char *)a.bytes;
    size_t left = a.size;
    size_t characters = 0;
    while (left > 0) {
        if (left >= sizeof(uint64_t) && is_plain_word(at)) {
            at += sizeof(uint64_t);
            left -= sizeof(uint64_t);
            characters += sizeof(uint64_t);
            continue;
        }
        size_t size = sequence_size(at, left);
        if (size == 0)
            return false;
        at += size;
        left -= size;
        characters++;
    }
    if (ret_characters != NULL)
        *ret_characters = characters;
    return true;
}
