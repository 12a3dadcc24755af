/* Positions as data and as the text clients carry. */
#include "lib/log/position.h"

#include "lib/log/decimal.h"
#include <assert.h>
#include <string.h>

#define CONTEXT_SIZE_MAX 40

_Static_assert(CONTEXT_SIZE_MAX + 3 + 2 * DECIMAL_SIZE_MAX + UUID_TEXT_SIZE <= POSITION_TEXT_SIZE,
               "a mark fits its text");

void log_position_start(struct log_position *ret_position)
{
    *ret_position = (struct log_position){
        .last_offset = LOG_OFFSET_NONE,
        .term = LOG_OFFSET_NONE,
    };
}

static char *put_text(char *at, struct text text)
{
    memcpy(at, text.bytes, text.size);
    return at + text.size;
}

static char *put_number(char *at, int64_t value)
{
    char digits[DECIMAL_SIZE_MAX], *end = digits + sizeof(digits);
    char *first = decimal_print(end, value);

    return put_text(at, (struct text){.bytes = first, .size = (size_t)(end - first)});
}

size_t log_mark_format(const struct log_mark *mark, char ret_string[static POSITION_TEXT_SIZE])
{
    char *at = ret_string;

    assert(mark->context.size <= CONTEXT_SIZE_MAX);
    at = put_text(at, mark->context);
    *at++ = '/';
    at = put_number(at, mark->partition);
    *at++ = '@';
    at = put_number(at, mark->offset);
    *at++ = '~';
    uuid_format(&mark->log, at);
    return (size_t)(at - ret_string) + UUID_TEXT_SIZE - 1;
}

/* Takes what stands before `separator` off *rest; false if the separator is not there. */
static bool take_until(struct text *rest, char separator, struct text *ret_piece)
{
    const char *found = rest->size > 0 ? memchr(rest->bytes, separator, rest->size) : NULL;

    if (found == NULL)
        return false;
    *ret_piece = (struct text){.bytes = rest->bytes, .size = (size_t)(found - rest->bytes)};
    rest->size -= ret_piece->size + 1;
    rest->bytes = found + 1;
    return true;
}

static bool parse_number(struct text digits, int64_t max, int64_t *ret_value)
{
    int64_t value;

    if (digits.size == 0 || digits.bytes[0] < '0' || digits.bytes[0] > '9' ||
        !text_to_integer(digits, &value) || value > max)
        return false;
    *ret_value = value;
    return true;
}

static struct text trim_spaces(struct text text)
{
    while (text.size > 0 && text.bytes[0] == ' ') {
        text.bytes++;
        text.size--;
    }
    while (text.size > 0 && text.bytes[text.size - 1] == ' ')
        text.size--;
    return text;
}

static bool parse_one(struct text rest, struct log_mark *ret_mark)
{
    struct log_mark mark;
    struct text partition, offset;
    int64_t number;

    if (!take_until(&rest, '/', &mark.context) || mark.context.size == 0 ||
        mark.context.size > CONTEXT_SIZE_MAX)
        return false;
    if (!take_until(&rest, '@', &partition) || !parse_number(partition, INT32_MAX, &number))
        return false;
    mark.partition = (int32_t)number;
    if (!take_until(&rest, '~', &offset) || !parse_number(offset, INT64_MAX - 1, &mark.offset))
        return false;
    if (!uuid_parse(rest, &mark.log))
        return false;
    *ret_mark = mark;
    return true;
}

bool log_mark_parse(struct text *list, struct log_mark *ret_mark, bool *ret_malformed)
{
    struct text rest = trim_spaces(*list), one;

    *ret_malformed = false;
    *list = rest;
    if (rest.size == 0)
        return false;
    if (!take_until(&rest, ',', &one)) {
        one = rest;
        rest = (struct text){.bytes = rest.bytes + rest.size};
    } else if (trim_spaces(rest).size == 0) {
        *ret_malformed = true; /* a comma promises another one */
        return false;
    }
    if (!parse_one(trim_spaces(one), ret_mark)) {
        *ret_malformed = true;
        return false;
    }
    *list = rest;
    return true;
}
