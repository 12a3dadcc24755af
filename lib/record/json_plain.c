/* Byte by byte, straight into the struct. Whatever is not plain, or not right, ends it at once: the
 * general way then finds out what it is and says so. */
#include "lib/record/json_plain.h"

#include <string.h>

#define FIELDS_MAX 64
#define DIGITS_MAX 18 /* always fit in 64 bits */

struct plain {
    struct json_walk *walk;
    const struct record *record;
    char *value;
    const char *at, *end;
    uint64_t seen;   /* a bit for each field */
    size_t expected; /* clients mostly keep the table's order */
};

static void skip_space(struct plain *plain)
{
    while (plain->at < plain->end &&
           (*plain->at == ' ' || *plain->at == '\n' || *plain->at == '\r' || *plain->at == '\t'))
        plain->at++;
}

static bool take_byte(struct plain *plain, char byte)
{
    skip_space(plain);
    if (plain->at == plain->end || *plain->at != byte)
        return false;
    plain->at++;
    return true;
}

static bool take_word(struct plain *plain, const char *word)
{
    size_t size = strlen(word);

    if ((size_t)(plain->end - plain->at) < size || memcmp(plain->at, word, size) != 0)
        return false;
    plain->at += size;
    return true;
}

static bool take_string(struct plain *plain, struct text *ret_string)
{
    if (!take_byte(plain, '"'))
        return false;
    const char *begin = plain->at;
    while (plain->at < plain->end && *plain->at != '"') {
        if ((unsigned char)*plain->at < 0x20 || *plain->at == '\\')
            return false;
        plain->at++;
    }
    *ret_string = (struct text){begin, (size_t)(plain->at - begin)};
    return take_byte(plain, '"');
}

static bool take_integer(struct plain *plain, int64_t *ret_integer)
{
    bool negative = take_word(plain, "-");
    const char *begin = plain->at;
    int64_t integer = 0;

    while (plain->at < plain->end && *plain->at >= '0' && *plain->at <= '9' &&
           plain->at - begin < DIGITS_MAX)
        integer = integer * 10 + (*plain->at++ - '0');
    size_t digits = (size_t)(plain->at - begin);
    if (digits == 0 || (digits > 1 && *begin == '0'))
        return false;
    *ret_integer = negative ? -integer : integer;
    return true; /* what may follow is the next member's matter: no digit, point or exponent */
}

static bool take_value(struct plain *plain, const struct field *field, void *at)
{
    const struct json_place place = {.name = field->name};
    struct text string;
    int64_t integer;
    bool yes;

    skip_space(plain);
    if (field->optional && take_word(plain, "null")) {
        field_set_absent(field, at);
        return true;
    }
    switch (field->kind) {
    case FIELD_INTEGER:
        return take_integer(plain, &integer) &&
               json_take_integer(plain->walk, &place, field, integer, at);
    case FIELD_BOOLEAN:
        yes = take_word(plain, "true");
        if (!yes && !take_word(plain, "false"))
            return false;
        json_take_boolean(field, yes, at);
        return true;
    case FIELD_TEXT:
    case FIELD_BYTES:
    case FIELD_CHOICE:
        return take_string(plain, &string) &&
               json_take_text(plain->walk, &place, field, string, at);
    case FIELD_LIST:
    case FIELD_RECORD: return false;
    }
    return false;
}

/* The place in the table; the field count when there is none of that name. */
static size_t find_field(const struct plain *plain, struct text name)
{
    size_t count = plain->record->field_count;

    for (size_t i = 0; i < count; i++) {
        size_t index = (plain->expected + i) % count;
        if (text_is(name, plain->record->fields[index].name))
            return index;
    }
    return count;
}

static bool take_member(struct plain *plain)
{
    struct text name;

    if (!take_string(plain, &name) || !take_byte(plain, ':'))
        return false;
    size_t index = find_field(plain, name);
    if (index == plain->record->field_count)
        return false;
    const struct field *field = &plain->record->fields[index];
    uint64_t bit = UINT64_C(1) << index;
    if (field->in_path || (plain->seen & bit) != 0)
        return false;
    plain->seen |= bit;
    plain->expected = index + 1;
    return take_value(plain, field, plain->value + field->offset);
}

static bool take_members(struct plain *plain)
{
    if (take_byte(plain, '}'))
        return true;
    do {
        if (!take_member(plain))
            return false;
    } while (take_byte(plain, ','));
    return take_byte(plain, '}');
}

static bool is_complete(const struct plain *plain)
{
    for (size_t i = 0; i < plain->record->field_count; i++) {
        const struct field *field = &plain->record->fields[i];
        bool seen = (plain->seen >> i & 1) != 0;
        if (!seen && !field->optional && !field->in_path)
            return false;
    }
    return true;
}

bool json_read_plain(struct json_walk *walk, const struct record *record, struct text body,
                     void *ret_value)
{
    struct plain plain = {
        .walk = walk,
        .record = record,
        .value = ret_value,
        .at = body.bytes,
        .end = body.bytes + body.size,
    };

    if (record->field_count > FIELDS_MAX)
        return false;
    record_set_defaults(record, ret_value);
    if (!take_byte(&plain, '{') || !take_members(&plain))
        return false;
    skip_space(&plain);
    return plain.at == plain.end && is_complete(&plain) && !walk->out_of_memory;
}
