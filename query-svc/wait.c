/* The two headers, read strictly where a mistake would show a stale row, leniently where it would
 * not. */
#include "query-svc/wait.h"
#include <strings.h>

#define PATIENCE_US_INITIAL INT64_C(1000000)
#define PATIENCE_US_MAX     INT64_C(30000000)

/* Digits with an optional fraction, as microseconds; more than the maximum is the maximum. */
static bool parse_seconds(struct text text, int64_t *ret_us)
{
    int64_t us = 0, unit = 0; /* unit 0: before the point */
    size_t digits = 0;

    for (size_t i = 0; i < text.size; i++) {
        char c = text.bytes[i];
        if (c == '.' && unit == 0 && digits > 0) {
            unit = 100000;
            continue;
        }
        if (c < '0' || c > '9')
            return false;
        digits++;
        if (unit > 0) {
            us += (c - '0') * unit;
            unit = unit > 1 ? unit / 10 : 1;
        } else if (us <= PATIENCE_US_MAX) {
            us = us * 10 + (c - '0') * INT64_C(1000000);
        }
    }
    *ret_us = us < PATIENCE_US_MAX ? us : PATIENCE_US_MAX;
    return digits > 0;
}

static bool is_between(char c)
{
    return c == ',' || c == ';' || c == ' ' || c == '\t';
}

/* The first well-formed wait=N among the preferences; others are not for us. */
static int64_t read_patience(struct text prefer)
{
    size_t start = 0;
    int64_t us;

    while (start < prefer.size) {
        size_t end = start;
        while (end < prefer.size && !is_between(prefer.bytes[end]))
            end++;
        if (end - start > 5 && strncasecmp(prefer.bytes + start, "wait=", 5) == 0 &&
            parse_seconds((struct text){.bytes = prefer.bytes + start + 5, .size = end - start - 5},
                          &us))
            return us;
        start = end + 1;
    }
    return PATIENCE_US_INITIAL;
}

static size_t count_commas(struct text text)
{
    size_t commas = 0;

    for (size_t i = 0; i < text.size; i++)
        commas += text.bytes[i] == ',';
    return commas;
}

static bool read_marks(struct text header, struct arena *arena, struct wait *wait)
{
    size_t marks_max = count_commas(header) + 1;
    struct log_mark *marks;
    bool malformed = false;

    if (marks_max > WAIT_MARKS_MAX)
        return false;
    marks = arena_alloc(arena, marks_max * sizeof *marks);
    if (marks == NULL)
        return false;
    while (wait->count < marks_max && log_mark_parse(&header, &marks[wait->count], &malformed))
        wait->count++;
    wait->marks = marks;
    return !malformed && wait->count > 0 && header.size == 0;
}

bool wait_read(struct web_request *request, struct wait *ret_wait)
{
    struct text header, prefer;

    *ret_wait = (struct wait){0};
    if (!web_request_header_joined(request, "Sijang-Wait-For", &header) ||
        !web_request_header_joined(request, "Prefer", &prefer))
        return false;
    if (header.bytes == NULL)
        return true;
    ret_wait->patience_us = read_patience(prefer);
    return read_marks(header, web_request_arena(request), ret_wait);
}
