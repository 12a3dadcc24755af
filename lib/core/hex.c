/* Digits both ways. */
#include "lib/core/hex.h"

const uint8_t hex_values[UCHAR_MAX + 1] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

char *hex_write(char *at, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return at;
}

static bool is_lower(char digit)
{
    return digit < 'A' || digit > 'F';
}

bool hex_read(const char *digits, uint8_t *ret_bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char first = digits[2 * i], second = digits[2 * i + 1];
        int high = hex_value(first), low = hex_value(second);
        if (high < 0 || low < 0 || !is_lower(first) || !is_lower(second))
            return false;
        ret_bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
