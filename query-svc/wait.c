/* The headers, read strictly where a mistake would show a stale row, leniently where it would
 * not. */
#include "query-svc/wait.h"
#include <string.h>
#include <strings.h>

#define PATIENCE_US_INITIAL INT64_C(1000000)
#define PATIENCE_US_MAX     INT64_C(30000000)
#define AGE_US_MAX          INT64_C(86400000000)

/* Digits with an optional fraction, as microseconds; more than the maximum is the maximum. */
static bool parse_seconds(struct text text, int64_t us_max, int64_t *ret_us)
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
        } else if (us <= us_max) {
            us = us * 10 + (c - '0') * INT64_C(1000000);
        }
    }
    *ret_us = us < us_max ? us : us_max;
    return digits > 0;
}

static bool is_between(char c)
{
    return c == ',' || c == ';' || c == ' ' || c == '\t';
}

/* What stands behind `name=`, or nothing behind `name`, from *at on; absent: it is not there. */
static struct text next_value(struct text prefer, const char *name, size_t *at)
{
    size_t size = strlen(name);

    while (*at < prefer.size) {
        size_t start = *at, end = start;
        while (end < prefer.size && !is_between(prefer.bytes[end]))
            end++;
        *at = end + 1;
        if (end - start < size || strncasecmp(prefer.bytes + start, name, size) != 0)
            continue;
        if (end - start == size)
            return (struct text){.bytes = prefer.bytes + end};
        if (prefer.bytes[start + size] == '=')
            return (struct text){.bytes = prefer.bytes + start + size + 1,
                                 .size = end - start - size - 1};
    }
    return (struct text){0};
}

/* The first well-formed wait=N among the preferences; others are not for us. */
static int64_t read_patience(struct text prefer)
{
    struct text value;
    size_t at = 0;
    int64_t us;

    while ((value = next_value(prefer, "wait", &at)).bytes != NULL)
        if (parse_seconds(value, PATIENCE_US_MAX, &us))
            return us;
    return PATIENCE_US_INITIAL;
}

/* All of them are to be well-formed: one passed over would be an old row shown as a new one. */
static bool read_age(struct text prefer, int64_t *ret_age_us_max)
{
    struct text value;
    size_t at = 0;
    int64_t us;

    *ret_age_us_max = -1;
    while ((value = next_value(prefer, "max-stale", &at)).bytes != NULL) {
        if (!parse_seconds(value, AGE_US_MAX, &us))
            return false;
        if (*ret_age_us_max < 0 || us < *ret_age_us_max)
            *ret_age_us_max = us;
    }
    return true;
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

static const struct problem problem_malformed_preference = {
    .status = 400,
    .code = "malformed_preference",
    .title = "Prefer: max-stale is a number of seconds.",
};

const struct problem *wait_read(struct web_request *request, struct wait *ret_wait)
{
    struct text header, prefer;

    *ret_wait = (struct wait){.age_us_max = -1};
    if (!web_request_header_joined(request, "Sijang-Wait-For", &header) ||
        !web_request_header_joined(request, "Prefer", &prefer))
        return &problem_malformed_position;
    if (prefer.bytes != NULL && !read_age(prefer, &ret_wait->age_us_max))
        return &problem_malformed_preference;
    ret_wait->patience_us = read_patience(prefer);
    if (header.bytes == NULL || read_marks(header, web_request_arena(request), ret_wait))
        return NULL;
    return &problem_malformed_position;
}
