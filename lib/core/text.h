/* A borrowed piece of text: bytes and size, not NUL-terminated. NULL bytes mean "absent". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *bytes;
    size_t size;
};

/* For string literals only, also in static initialisers. */
#define TEXT(literal)                                                                              \
    {                                                                                              \
        .bytes = (literal), .size = sizeof(literal) - 1                                            \
    }
/* For printf: "%.*s" */
#define TEXT_ARGS(text) (int)(text).size, (text).bytes

struct text text_of(const char *string); /* NULL gives the absent text */
bool text_equal(struct text a, struct text b);
bool text_is(struct text a, const char *string);
bool text_starts_with(struct text a, const char *prefix);
/* Whole text as a decimal integer, with sign; false on anything else or on overflow. */
bool text_to_integer(struct text a, int64_t *ret_value);
#define TEXT_INTEGER_SIZE 20
/* In decimal, within `digits`. */
struct text text_of_integer(int64_t value, char digits[static TEXT_INTEGER_SIZE]);
/* Well-formed UTF-8 without NUL; *ret_characters (may be NULL) counts code points. */
bool text_is_utf8(struct text a, size_t *ret_characters);
