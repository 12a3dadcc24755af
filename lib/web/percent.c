/* Decoding first, checking for UTF-8 after: an escape must not smuggle in what plain bytes may not
 * say. */
#include "lib/web/percent.h"

#include "lib/core/hex.h"
#include "lib/web/request.h"

#include <string.h>

static bool decode_into(struct text raw, char *out, size_t *ret_size)
{
    size_t size = 0;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.bytes[i] != '%') {
            out[size++] = raw.bytes[i];
            continue;
        }
        if (raw.size - i < 3)
            return false;
        int high = hex_value(raw.bytes[i + 1]);
        int low = hex_value(raw.bytes[i + 2]);
        if (high < 0 || low < 0)
            return false;
        out[size++] = (char)(unsigned char)(high << 4 | low);
        i += 2;
    }
    *ret_size = size;
    return true;
}

const struct problem *percent_decode(struct text raw, struct arena *arena, struct text *ret_text)
{
    struct text text = raw;
    if (raw.size > 0 && memchr(raw.bytes, '%', raw.size) != NULL) {
        char *bytes = arena_alloc(arena, raw.size);
        if (bytes == NULL)
            return problem_of_fault(FAULT_OUT_OF_MEMORY);
        text.bytes = bytes;
        if (!decode_into(raw, bytes, &text.size))
            return &problem_malformed_request;
    }
    if (!text_is_utf8(text, NULL))
        return &problem_malformed_request;
    *ret_text = text;
    return NULL;
}
