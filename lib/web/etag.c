/* A list of quoted tags, or `*`. */
#include "lib/web/etag.h"
#include <string.h>

static bool is_between(char c)
{
    return c == ',' || c == ' ' || c == '\t';
}

bool etag_matches(struct text if_none_match, const char *etag)
{
    const struct text wanted = text_of(etag);
    size_t start = 0;

    if (if_none_match.bytes == NULL || etag == NULL)
        return false;
    while (start < if_none_match.size) {
        size_t end = start;
        while (end < if_none_match.size && !is_between(if_none_match.bytes[end]))
            end++;
        struct text tag = {.bytes = if_none_match.bytes + start, .size = end - start};
        if (text_starts_with(tag, "W/")) {
            tag.bytes += 2;
            tag.size -= 2;
        }
        if (text_equal(tag, wanted) || text_is(tag, "*"))
            return true;
        start = end + 1;
    }
    return false;
}
