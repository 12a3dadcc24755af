/* A client's JSON into a struct. jansson checks the syntax, the field table everything else. */
#include "lib/record/json.h"

#include "lib/record/json_check.h"
#include <jansson.h>
#include <string.h>

#define JSON_DEPTH_MAX 16

static void release(json_t **value)
{
    json_decref(*value);
}

static void read_object(struct json_reading *reading, const struct record *record,
                        const json_t *object, const struct json_place *above, char *value);

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

static bool wrong_type(struct json_reading *reading, const struct json_place *place,
                       const struct field *field)
{
    return json_refuse(reading, place, "wrong_type", wanted_type(field->kind));
}

static bool read_integer(struct json_reading *reading, const struct json_place *place,
                         const struct field *field, const json_t *given, char *at)
{
    if (json_is_integer(given))
        return json_take_integer(reading, place, field, json_integer_value(given), at);
    if (!json_is_real(given) || !reading->rounded)
        return wrong_type(reading, place, field);
    double rounded = json_real_value(given); /* the ends themselves may have been rounded to */
    if (rounded >= 0x1p63)
        return json_refuse(reading, place, "too_large", "Must fit in 64 bits.");
    if (rounded <= -0x1p63)
        return json_refuse(reading, place, "too_small", "Must fit in 64 bits.");
    return json_take_integer(reading, place, field, (int64_t)rounded, at);
}

static bool read_list(struct json_reading *reading, const struct json_place *place,
                      const struct field *field, const json_t *given, char *at)
{
    size_t count = json_array_size(given);

    if (!json_is_array(given))
        return wrong_type(reading, place, field);
    if (!json_check_count(reading, place, field, count))
        return false;
    char *items = arena_alloc(reading->arena, count * field->of->size + 1);
    if (items == NULL) {
        reading->out_of_memory = true;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(given, i);
        const struct json_place item_place = {.above = place, .index = i};
        if (json_is_object(item))
            read_object(reading, field->of, item, &item_place, items + i * field->of->size);
        else
            json_refuse(reading, &item_place, "wrong_type", "Must be an object.");
    }
    *(struct list *)(void *)at = (struct list){items, count};
    return true;
}

static void read_field(struct json_reading *reading, const struct json_place *place,
                       const struct field *field, const json_t *given, char *at)
{
    if (field->optional && json_is_null(given)) {
        field_set_absent(field, at);
        return;
    }
    switch (field->kind) {
    case FIELD_INTEGER: read_integer(reading, place, field, given, at); break;
    case FIELD_LIST: read_list(reading, place, field, given, at); break;
    case FIELD_BOOLEAN:
        if (json_is_boolean(given))
            json_take_boolean(field, json_is_true(given), at);
        else
            wrong_type(reading, place, field);
        break;
    case FIELD_TEXT:
    case FIELD_BYTES:
    case FIELD_CHOICE:
        if (json_is_string(given))
            json_take_text(reading, place, field,
                           (struct text){json_string_value(given), json_string_length(given)}, at);
        else
            wrong_type(reading, place, field);
        break;
    case FIELD_RECORD:
        if (json_is_object(given))
            read_object(reading, field->of, given, place, at);
        else
            wrong_type(reading, place, field);
        break;
    }
}

static void refuse_strangers(struct json_reading *reading, const struct record *record,
                             const json_t *object, const struct json_place *above)
{
    const char *name;
    json_t *given;

    json_object_foreach((json_t *)(uintptr_t)object, name, given)
    {
        const struct field *field = record_find_field(record, name);
        const struct json_place place = {.above = above, .name = name};
        if (field == NULL)
            json_refuse(reading, &place, "unknown", "There is no such field.");
        else if (field->in_path)
            json_refuse(reading, &place, "duplicate", "Is given by the path.");
    }
}

static void read_object(struct json_reading *reading, const struct record *record,
                        const json_t *object, const struct json_place *above, char *value)
{
    size_t known = 0;

    if (record->defaults != NULL)
        memcpy(value, record->defaults, record->size);
    else
        memset(value, 0, record->size);
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        const struct json_place place = {.above = above, .name = field->name};
        if (field->in_path)
            continue;
        const json_t *given = json_object_get(object, field->name);
        known += given != NULL;
        if (given != NULL)
            read_field(reading, &place, field, given, value + field->offset);
        else if (!field->optional)
            json_refuse(reading, &place, "missing", "Is required.");
    }
    if (known < json_object_size(object))
        refuse_strangers(reading, record, object, above);
}

static enum json_outcome outcome_of(const struct json_reading *reading)
{
    if (reading->out_of_memory)
        return JSON_OUT_OF_MEMORY;
    return reading->errors->count > 0 ? JSON_INVALID : JSON_OK;
}

static enum json_outcome malformed(const char *why, const char **ret_where)
{
    if (why == NULL)
        return JSON_OUT_OF_MEMORY;
    if (ret_where != NULL)
        *ret_where = why;
    return JSON_MALFORMED;
}

enum json_outcome json_read(const struct record *record, struct text body, struct arena *arena,
                            void *ret_value, struct field_errors *errors, const char **ret_where)
{
    struct json_reading reading = {.arena = arena, .errors = errors};
    CLEANUP(release) json_t *object = NULL;
    json_error_t fault;

    errors->count = 0;
    if (body.size == 0)
        body = (struct text)TEXT("{}");
    if (is_too_deep(body))
        return malformed("nested deeper than 16", ret_where);
    object = json_loadb(body.bytes, body.size, JSON_REJECT_DUPLICATES, &fault);
    if (object == NULL && json_error_code(&fault) == json_error_numeric_overflow) {
        reading.rounded = true;
        object = json_loadb(body.bytes, body.size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
                            &fault);
    }
    if (object == NULL && json_error_code(&fault) == json_error_out_of_memory)
        return JSON_OUT_OF_MEMORY;
    if (object == NULL)
        return malformed(
            arena_print(arena, "line %d, column %d: %s", fault.line, fault.column, fault.text),
            ret_where);
    if (!json_is_object(object))
        return malformed("not an object", ret_where);
    read_object(&reading, record, object, NULL, ret_value);
    return outcome_of(&reading);
}

static void set_field(struct json_reading *reading, const struct json_place *place,
                      const struct field *field, struct text value, char *at)
{
    int64_t integer;

    if (field->kind == FIELD_INTEGER && text_to_integer(value, &integer))
        json_take_integer(reading, place, field, integer, at);
    else if (field->kind == FIELD_BOOLEAN && (text_is(value, "true") || text_is(value, "false")))
        json_take_boolean(field, text_is(value, "true"), at);
    else
        json_take_text(reading, place, field, value, at);
}

enum json_outcome json_set_text(const struct record *record, const char *name, struct text value,
                                struct arena *arena, void *ret_value, struct field_errors *errors)
{
    struct json_reading reading = {.arena = arena, .errors = errors};
    const struct json_place place = {.name = name};
    const struct field *field = record_find_field(record, name);
    size_t errors_before = errors->count;

    if (field == NULL)
        json_refuse(&reading, &place, "unknown", "There is no such field.");
    else
        set_field(&reading, &place, field, value, (char *)ret_value + field->offset);
    if (reading.out_of_memory)
        return JSON_OUT_OF_MEMORY;
    return errors->count > errors_before ? JSON_INVALID : JSON_OK;
}
