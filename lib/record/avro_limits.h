/* What the encoder and the decoder agree on, so that nothing is written that could not be read. */
#pragma once

#include "lib/core/text.h"
#include "lib/record/record.h"
#include <string.h>

#define AVRO_DEPTH_MAX      16
#define AVRO_VARINT_MAX     10
#define AVRO_LIST_COUNT_MAX 65536

/* UTF-8 without NUL. Eight bytes at a time while it is ASCII. */
static inline bool avro_text_is_valid(struct text text)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t highs = 0x8080808080808080u;
    size_t at = 0;

    for (; text.size - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text.bytes + at, sizeof(word));
        if (((word | (word - ones)) & highs) != 0)
            return text_is_utf8(text, NULL);
    }
    for (; at < text.size; at++)
        if ((signed char)text.bytes[at] <= 0)
            return text_is_utf8(text, NULL);
    return true;
}

/* Exactly these bounds make an integer an Avro int. */
static inline bool avro_integer_fits(const struct field *field, int64_t value)
{
    if (field->min != INT32_MIN || field->max != INT32_MAX)
        return true;
    return value >= INT32_MIN && value <= INT32_MAX;
}
