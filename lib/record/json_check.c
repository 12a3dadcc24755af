/* Bounds and formats of single values; messages are for people, codes for programs. */
#include "lib/record/json_check.h"

#include "lib/core/base64.h"
#include "lib/core/id.h"
#include <inttypes.h>
#include <string.h>

#define TEXT_SIZE_MAX  65536
#define LIST_COUNT_MAX 1000

static const char *render_place(const struct json_place *place, struct arena *arena)
{
    if (place->above == NULL)
        return arena_print(arena, "%s", place->name);
    const char *above = render_place(place->above, arena);
    if (above == NULL)
        return NULL;
    if (place->name == NULL)
        return arena_print(arena, "%s.%zu", above, place->index);
    return arena_print(arena, "%s.%s", above, place->name);
}

bool json_refuse(struct json_walk *walk, const struct json_place *place, const char *code,
                 const char *message)
{
    struct field_errors *errors = &walk->reading->errors;

    if (errors->count == FIELD_ERRORS_MAX)
        return false;
    const char *field = render_place(place, walk->reading->arena);
    if (field == NULL || message == NULL)
        walk->out_of_memory = true;
    else
        errors->entries[errors->count++] = (struct field_error){field, code, message};
    return false;
}

static const char *bound(struct json_walk *walk, const char *what, int64_t value, const char *unit)
{
    return arena_print(walk->reading->arena, "%s %" PRId64 "%s", what, value, unit);
}

static bool has_bounds(const struct field *field)
{
    return field->min != 0 || field->max != 0;
}

static bool has_upper_bound(const struct field *field)
{
    return has_bounds(field) && field->max >= field->min;
}

bool json_take_integer(struct json_walk *walk, const struct json_place *place,
                       const struct field *field, int64_t value, void *at)
{
    if (!walk->rounded && has_bounds(field) && value < field->min)
        return json_refuse(walk, place, "too_small",
                           bound(walk, "Must be at least", field->min, "."));
    if (!walk->rounded && has_upper_bound(field) && value > field->max)
        return json_refuse(walk, place, "too_large",
                           bound(walk, "Must be at most", field->max, "."));
    if (field->optional)
        *(struct optional_integer *)at = (struct optional_integer){value, true};
    else
        *(int64_t *)at = value;
    return true;
}

void json_take_boolean(const struct field *field, bool value, void *at)
{
    if (field->optional)
        *(struct optional_boolean *)at = (struct optional_boolean){value, true};
    else
        *(bool *)at = value;
}

bool json_check_count(struct json_walk *walk, const struct json_place *place,
                      const struct field *field, size_t count)
{
    int64_t most = has_upper_bound(field) ? field->max : LIST_COUNT_MAX;

    if ((int64_t)count < field->min)
        return json_refuse(walk, place, "too_short",
                           bound(walk, "Must have at least", field->min, " items."));
    if ((int64_t)count > most)
        return json_refuse(walk, place, "too_long",
                           bound(walk, "Must have at most", most, " items."));
    return true;
}

static bool check_length(struct json_walk *walk, const struct json_place *place,
                         const struct field *field, struct text value)
{
    size_t characters;

    if (!text_is_utf8(value, &characters))
        return json_refuse(walk, place, "bad_format", "Must be UTF-8.");
    if ((int64_t)characters < field->min)
        return json_refuse(walk, place, "too_short",
                           bound(walk, "Must have at least", field->min, " characters."));
    if (has_upper_bound(field) && (int64_t)characters > field->max)
        return json_refuse(walk, place, "too_long",
                           bound(walk, "Must have at most", field->max, " characters."));
    if (!has_upper_bound(field) && value.size > TEXT_SIZE_MAX)
        return json_refuse(walk, place, "too_long",
                           bound(walk, "Must have at most", TEXT_SIZE_MAX, " bytes."));
    return true;
}

static bool is_name(struct text text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";

    for (size_t i = 0; i < text.size; i++)
        if (text.bytes[i] == '\0' || strchr(allowed, text.bytes[i]) == NULL)
            return false;
    return text.size > 0;
}

static bool take_string(struct json_walk *walk, const struct json_place *place,
                        const struct field *field, struct text value, struct text *ret_text)
{
    struct uuid uuid;
    char lower[UUID_TEXT_SIZE];

    if (!check_length(walk, place, field, value))
        return false;
    if (field->format == TEXT_UUID) {
        if (!uuid_parse(value, &uuid))
            return json_refuse(walk, place, "bad_format", "Must be a UUID.");
        uuid_format(&uuid, lower);
        value = text_of(lower);
    }
    if (field->format == TEXT_NAME && !is_name(value))
        return json_refuse(walk, place, "bad_format",
                           "Must be letters, digits, dot, underscore, tilde or hyphen.");
    *ret_text = arena_copy_text(walk->reading->arena, value);
    walk->out_of_memory |= ret_text->bytes == NULL;
    return true;
}

static bool take_bytes(struct json_walk *walk, const struct json_place *place,
                       const struct field *field, struct text value, struct text *ret_bytes)
{
    struct text bytes;

    if (!base64_read(value, walk->reading->arena, &bytes))
        return json_refuse(walk, place, "bad_format", "Must be base64.");
    if (bytes.bytes == NULL)
        walk->out_of_memory = true;
    int64_t most = has_upper_bound(field) ? field->max : TEXT_SIZE_MAX;
    if ((int64_t)bytes.size < field->min)
        return json_refuse(walk, place, "too_short",
                           bound(walk, "Must have at least", field->min, " bytes."));
    if ((int64_t)bytes.size > most)
        return json_refuse(walk, place, "too_long",
                           bound(walk, "Must have at most", most, " bytes."));
    *ret_bytes = bytes;
    return true;
}

static bool take_choice(struct json_walk *walk, const struct json_place *place,
                        const struct field *field, struct text value, void *at)
{
    int index = field_find_symbol(field, value);

    if (index < 0)
        return json_refuse(walk, place, "not_a_choice", "Is none of the known values.");
    if (field->optional)
        *(struct optional_choice *)at = (struct optional_choice){index, true};
    else
        *(int *)at = index;
    return true;
}

bool json_take_text(struct json_walk *walk, const struct json_place *place,
                    const struct field *field, struct text value, void *at)
{
    switch (field->kind) {
    case FIELD_TEXT: return take_string(walk, place, field, value, at);
    case FIELD_BYTES: return take_bytes(walk, place, field, value, at);
    case FIELD_CHOICE: return take_choice(walk, place, field, value, at);
    case FIELD_INTEGER: return json_refuse(walk, place, "wrong_type", "Must be an integer.");
    case FIELD_BOOLEAN: return json_refuse(walk, place, "wrong_type", "Must be true or false.");
    case FIELD_LIST: return json_refuse(walk, place, "wrong_type", "Must be a list.");
    case FIELD_RECORD: return json_refuse(walk, place, "wrong_type", "Must be an object.");
    }
    return false;
}
