/* Structs to Avro bytes. What the decoder would refuse is not written: out->failed is set instead.
 */
#include "lib/record/avro.h"

#include "lib/record/avro_limits.h"
#include <assert.h>

static void put_record(struct buffer *out, const struct record *record, const char *value,
                       int depth);

static void put_long(struct buffer *out, int64_t value)
{
    uint64_t raw = ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
    uint8_t bytes[AVRO_VARINT_MAX];
    size_t size = 0;

    while (raw >= 0x80) {
        bytes[size++] = (uint8_t)(raw | 0x80);
        raw >>= 7;
    }
    bytes[size++] = (uint8_t)raw;
    buffer_put(out, bytes, size);
}

static void put_integer(struct buffer *out, const struct field *field, int64_t value)
{
    if (avro_integer_fits(field, value))
        put_long(out, value);
    else
        out->failed = true;
}

static void put_text(struct buffer *out, const struct field *field, struct text text)
{
    if (field->kind == FIELD_TEXT && !avro_text_is_valid(text)) {
        out->failed = true;
        return;
    }
    put_long(out, (int64_t)text.size);
    buffer_put(out, text.bytes, text.size);
}

static void put_list(struct buffer *out, const struct field *field, const char *at, int depth)
{
    const struct list *list = (const void *)at;
    const char *items = list->items;

    if (list->count > AVRO_LIST_COUNT_MAX) {
        out->failed = true;
        return;
    }
    if (list->count > 0)
        put_long(out, (int64_t)list->count);
    for (size_t i = 0; i < list->count; i++)
        put_record(out, field->of, items + i * field->of->size, depth + 1);
    put_long(out, 0);
}

static void put_choice(struct buffer *out, const struct field *field, int index)
{
    assert(field_symbol(field, index) != NULL);
    put_long(out, index);
}

static void put_field(struct buffer *out, const struct field *field, const char *at, int depth)
{
    if (field->optional) {
        bool absent = field_is_absent(field, at);
        buffer_put_byte(out, absent ? 0 : 2);
        if (absent)
            return;
    }
    switch (field->kind) { /* an optional's value comes first in its struct */
    case FIELD_INTEGER: put_integer(out, field, *(const int64_t *)(const void *)at); break;
    case FIELD_BOOLEAN: buffer_put_byte(out, *(const bool *)(const void *)at ? 1 : 0); break;
    case FIELD_TEXT:
    case FIELD_BYTES: put_text(out, field, *(const struct text *)(const void *)at); break;
    case FIELD_CHOICE: put_choice(out, field, *(const int *)(const void *)at); break;
    case FIELD_LIST: put_list(out, field, at, depth); break;
    case FIELD_RECORD: put_record(out, field->of, at, depth + 1); break;
    }
}

static void put_record(struct buffer *out, const struct record *record, const char *value,
                       int depth)
{
    if (depth == AVRO_DEPTH_MAX) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < record->field_count; i++)
        put_field(out, &record->fields[i], value + record->fields[i].offset, depth);
}

void avro_encode(const struct record *record, const void *value, struct buffer *out)
{
    put_record(out, record, value, 0);
}

void avro_encode_framed(const struct record *record, const void *value, struct buffer *out)
{
    uint32_t id = record->schema_id;
    const uint8_t frame[AVRO_FRAME_SIZE] = {0, (uint8_t)(id >> 24), (uint8_t)(id >> 16),
                                            (uint8_t)(id >> 8), (uint8_t)id};

    assert(id != 0);
    buffer_put(out, frame, sizeof(frame));
    avro_encode(record, value, out);
}
