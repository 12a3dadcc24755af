/* A client's JSON into a struct. What is not plain goes through jansson, which checks the syntax;
 * the field table checks everything else. */
#include "lib/record/json.h"

#include "lib/record/json_check.h"
#include "lib/record/json_plain.h"
#include <jansson.h>

#define JSON_DEPTH_MAX 16

static void release(json_t **value)
{
    json_decref(*value);
}

static void read_object(struct json_walk *walk, const struct record *record, const json_t *object,
                        const struct json_place *above, char *value);

/* jansson's own limit is 2,048: too much for a stack that reads requests. */
static bool is_too_deep(struct text body)
{
    bool in_string = false;
    int depth = 0;

    for (size_t i = 0; i < body.size; i++) {
        char byte = body.bytes[i];
        if (byte == '"')
            in_string = !in_string;
        else if (in_string)
            i += byte == '\\';
        else if (byte == '{' || byte == '[')
            depth++;
        else if (byte == '}' || byte == ']')
            depth--;
        if (depth > JSON_DEPTH_MAX)
            return true;
    }
    return false;
}

static const char *wanted_type(enum field_kind kind)
{
    switch (kind) {
    case FIELD_INTEGER: return "Must be an integer.";
    case FIELD_BOOLEAN: return "Must be true or false.";
    case FIELD_TEXT:
    case FIELD_BYTES:
    case FIELD_CHOICE: return "Must be a string.";
    case FIELD_LIST: return "Must be a list.";
    case FIELD_RECORD: return "Must be an object.";
    }
    return "Has another type.";
}

static bool wrong_type(struct json_walk *walk, const struct json_place *place,
                       const struct field *field)
{
    return json_refuse(walk, place, "wrong_type", wanted_type(field->kind));
}

static bool read_integer(struct json_walk *walk, const struct json_place *place,
                         const struct field *field, const json_t *given, char *at)
{
    if (json_is_integer(given))
        return json_take_integer(walk, place, field, json_integer_value(given), at);
    if (!json_is_real(given) || !walk->rounded)
        return wrong_type(walk, place, field);
    double rounded = json_real_value(given); /* the ends themselves may have been rounded to */
    if (rounded >= 0x1p63)
        return json_refuse(walk, place, "too_large", "Must fit in 64 bits.");
    if (rounded <= -0x1p63)
        return json_refuse(walk, place, "too_small", "Must fit in 64 bits.");
    return json_take_integer(walk, place, field, (int64_t)rounded, at);
}

static bool read_list(struct json_walk *walk, const struct json_place *place,
                      const struct field *field, const json_t *given, char *at)
{
    size_t count = json_array_size(given);

    if (!json_is_array(given))
        return wrong_type(walk, place, field);
    if (!json_check_count(walk, place, field, count))
        return false;
    char *items = arena_alloc(walk->reading->arena, count * field->of->size + 1);
    if (items == NULL) {
        walk->out_of_memory = true;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(given, i);
        const struct json_place item_place = {.above = place, .index = i};
        if (json_is_object(item))
            read_object(walk, field->of, item, &item_place, items + i * field->of->size);
        else
            json_refuse(walk, &item_place, "wrong_type", "Must be an object.");
    }
    *(struct list *)(void *)at = (struct list){items, count};
    return true;
}

static void read_field(struct json_walk *walk, const struct json_place *place,
                       const struct field *field, const json_t *given, char *at)
{
    if (field->optional && json_is_null(given)) {
        field_set_absent(field, at);
        return;
    }
    switch (field->kind) {
    case FIELD_INTEGER: read_integer(walk, place, field, given, at); break;
    case FIELD_LIST: read_list(walk, place, field, given, at); break;
    case FIELD_BOOLEAN:
        if (json_is_boolean(given))
            json_take_boolean(field, json_is_true(given), at);
        else
            wrong_type(walk, place, field);
        break;
    case FIELD_TEXT:
    case FIELD_BYTES:
    case FIELD_CHOICE:
        if (json_is_string(given))
            json_take_text(walk, place, field,
                           (struct text){json_string_value(given), json_string_length(given)}, at);
        else
            wrong_type(walk, place, field);
        break;
    case FIELD_RECORD:
        if (json_is_object(given))
            read_object(walk, field->of, given, place, at);
        else
            wrong_type(walk, place, field);
        break;
    }
}

static void refuse_strangers(struct json_walk *walk, const struct record *record,
                             const json_t *object, const struct json_place *above)
{
    const char *name;
    json_t *given;

    json_object_foreach((json_t *)(uintptr_t)object, name, given)
    {
        const struct field *field = record_find_field(record, name);
        const struct json_place place = {.above = above, .name = name};
        if (field == NULL)
            json_refuse(walk, &place, "unknown", "There is no such field.");
        else if (field->in_path)
            json_refuse(walk, &place, "duplicate", "Is given by the path.");
    }
}

static void read_object(struct json_walk *walk, const struct record *record, const json_t *object,
                        const struct json_place *above, char *value)
{
    size_t known = 0;

    record_set_defaults(record, value);
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        const struct json_place place = {.above = above, .name = field->name};
        if (field->in_path)
            continue;
        const json_t *given = json_object_get(object, field->name);
        known += given != NULL;
        if (given != NULL)
            read_field(walk, &place, field, given, value + field->offset);
        else if (!field->optional)
            json_refuse(walk, &place, "missing", "Is required.");
    }
    if (known < json_object_size(object))
        refuse_strangers(walk, record, object, above);
}

static enum json_outcome outcome_of(const struct json_walk *walk)
{
    if (walk->out_of_memory)
        return JSON_OUT_OF_MEMORY;
    return walk->reading->errors.count > 0 ? JSON_INVALID : JSON_OK;
}

static enum json_outcome malformed(struct json_reading *reading, const char *why)
{
    reading->where = why;
    return why == NULL ? JSON_OUT_OF_MEMORY : JSON_MALFORMED;
}

enum json_outcome json_read(const struct record *record, struct text body,
                            struct json_reading *reading, void *ret_value)
{
    struct json_walk walk = {.reading = reading};
    CLEANUP(release) json_t *object = NULL;
    json_error_t fault;

    reading->where = NULL;
    if (body.size == 0)
        body = (struct text)TEXT("{}");
    bool plain = json_read_plain(&walk, record, body, ret_value);
    reading->errors.count = 0;
    if (plain)
        return JSON_OK;
    walk = (struct json_walk){.reading = reading};
    if (is_too_deep(body))
        return malformed(reading, "nested deeper than 16");
    object = json_loadb(body.bytes, body.size, JSON_REJECT_DUPLICATES, &fault);
    if (object == NULL && json_error_code(&fault) == json_error_numeric_overflow) {
        walk.rounded = true;
        object = json_loadb(body.bytes, body.size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
                            &fault);
    }
    if (object == NULL && json_error_code(&fault) == json_error_out_of_memory)
        return JSON_OUT_OF_MEMORY;
    if (object == NULL)
        return malformed(reading, arena_print(reading->arena, "line %d, column %d: %s", fault.line,
                                              fault.column, fault.text));
    if (!json_is_object(object))
        return malformed(reading, "not an object");
    read_object(&walk, record, object, NULL, ret_value);
    return outcome_of(&walk);
}

static void set_field(struct json_walk *walk, const struct json_place *place,
                      const struct field *field, struct text value, char *at)
{
    int64_t integer;

    if (field->kind == FIELD_INTEGER && text_to_integer(value, &integer))
        json_take_integer(walk, place, field, integer, at);
    else if (field->kind == FIELD_BOOLEAN && (text_is(value, "true") || text_is(value, "false")))
        json_take_boolean(field, text_is(value, "true"), at);
    else
        json_take_text(walk, place, field, value, at);
}

enum json_outcome json_set_text(const struct record *record, const char *name, struct text value,
                                struct json_reading *reading, void *ret_value)
{
    struct json_walk walk = {.reading = reading};
    const struct json_place place = {.name = name};
    const struct field *field = record_find_field(record, name);
    size_t errors_before = reading->errors.count;

    if (field == NULL)
        json_refuse(&walk, &place, "unknown", "There is no such field.");
    else
        set_field(&walk, &place, field, value, (char *)ret_value + field->offset);
    if (walk.out_of_memory)
        return JSON_OUT_OF_MEMORY;
    return reading->errors.count > errors_before ? JSON_INVALID : JSON_OK;
}
