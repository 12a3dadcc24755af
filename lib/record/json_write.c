/* Structs to JSON, straight into a buffer. */
#include "lib/record/json.h"

#include "lib/core/base64.h"
#include <assert.h>

static void write_list(const struct field *field, const struct list *list, struct buffer *out)
{
    const char *items = list->items;

    buffer_put_byte(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            buffer_put_byte(out, ',');
        json_write(field->of, items + i * field->of->size, out);
    }
    buffer_put_byte(out, ']');
}

static void write_choice(const struct field *field, int index, struct buffer *out)
{
    const char *symbol = field_symbol(field, index);

    assert(symbol != NULL);
    buffer_put_json_string(out, text_of(symbol));
}

static void write_value(const struct field *field, const char *at, struct buffer *out)
{
    switch (field->kind) { /* an optional's value comes first in its struct */
    case FIELD_INTEGER: buffer_put_integer(out, *(const int64_t *)(const void *)at); break;
    case FIELD_BOOLEAN:
        buffer_put_string(out, *(const bool *)(const void *)at ? "true" : "false");
        break;
    case FIELD_TEXT: buffer_put_json_string(out, *(const struct text *)(const void *)at); break;
    case FIELD_BYTES: base64_write(*(const struct text *)(const void *)at, out); break;
    case FIELD_CHOICE: write_choice(field, *(const int *)(const void *)at, out); break;
    case FIELD_LIST: write_list(field, (const void *)at, out); break;
    case FIELD_RECORD: json_write(field->of, at, out); break;
    }
}

bool json_write_members(const struct record *record, const void *value, struct buffer *out)
{
    bool some = false;

    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        const char *at = (const char *)value + field->offset;
        if (field->secret || field_is_absent(field, at))
            continue;
        buffer_put_string(out, some ? ",\"" : "\"");
        buffer_put_string(out, field->name);
        buffer_put_string(out, "\":");
        write_value(field, at, out);
        some = true;
    }
    return some;
}

void json_write(const struct record *record, const void *value, struct buffer *out)
{
    buffer_put_byte(out, '{');
    json_write_members(record, value, out);
    buffer_put_byte(out, '}');
}
