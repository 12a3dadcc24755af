/* The tables are written once as macros: reader and writer must not drift apart. */
#include "tests/lib/record_sample.h"

#include <assert.h>
#include <string.h>

static const char *const colours[] = {"RED", "GREEN", "BLUE", NULL};

#define LINE_FIELDS(X)                                                                             \
    X(0, product_id, .kind = FIELD_TEXT)                                                           \
    X(1, quantity, .kind = FIELD_INTEGER)                                                          \
    X(2, discount, .kind = FIELD_INTEGER, .optional = true)

#define PLACE_FIELDS(X)                                                                            \
    X(0, inside, .kind = FIELD_BOOLEAN)                                                            \
    X(1, colour, .kind = FIELD_CHOICE, .symbols = colours)                                         \
    X(2, street, .kind = FIELD_TEXT)

#define SAMPLE_FIELDS(X)                                                                           \
    X(0, id, .kind = FIELD_TEXT)                                                                   \
    X(1, remark, .kind = FIELD_TEXT, .optional = true)                                             \
    X(2, amount, .kind = FIELD_INTEGER)                                                            \
    X(3, ceiling, .kind = FIELD_INTEGER, .optional = true)                                         \
    X(4, small, .kind = FIELD_INTEGER, .min = INT32_MIN, .max = INT32_MAX)                         \
    X(5, open, .kind = FIELD_BOOLEAN)                                                              \
    X(6, agreed, .kind = FIELD_BOOLEAN, .optional = true)                                          \
    X(7, colour, .kind = FIELD_CHOICE, .symbols = colours)                                         \
    X(8, shade, .kind = FIELD_CHOICE, .symbols = colours, .optional = true)                        \
    X(9, lines, .kind = FIELD_LIST, .of = &sample_line_record)                                     \
    X(10, extras, .kind = FIELD_LIST, .of = &sample_line_record, .optional = true)                 \
    X(11, place, .kind = FIELD_RECORD, .of = &sample_place_record)                                 \
    X(12, raw, .kind = FIELD_BYTES)                                                                \
    X(13, sealed, .kind = FIELD_BYTES, .optional = true)

#define LINE_FIELD(n, member, ...)   {FIELD_AT(sample_line, member), __VA_ARGS__},
#define PLACE_FIELD(n, member, ...)  {FIELD_AT(sample_place, member), __VA_ARGS__},
#define SAMPLE_FIELD(n, member, ...) {FIELD_AT(sample, member), __VA_ARGS__},
#define WRITTEN(n, member, ...)      {.field = {.name = #member, __VA_ARGS__}, .target = n},

static const struct field line_fields[] = {LINE_FIELDS(LINE_FIELD)};
static const struct writer_field line_written[] = {LINE_FIELDS(WRITTEN)};
static const struct record_version line_versions[] = {
    {SAMPLE_SCHEMA_ID, line_written, COUNT_OF(line_written), NULL},
};
const struct record sample_line_record = {
    .name = "Line",
    .size = sizeof(struct sample_line),
    .fields = line_fields,
    .field_count = COUNT_OF(line_fields),
    .versions = line_versions,
    .version_count = COUNT_OF(line_versions),
};

/* Without versions: it never changed. */
static const struct field place_fields[] = {PLACE_FIELDS(PLACE_FIELD)};
const struct record sample_place_record = {
    .name = "Place",
    .size = sizeof(struct sample_place),
    .fields = place_fields,
    .field_count = COUNT_OF(place_fields),
};

static const struct field sample_fields[] = {SAMPLE_FIELDS(SAMPLE_FIELD)};
static const struct writer_field sample_written[] = {SAMPLE_FIELDS(WRITTEN)};
static const struct record_version sample_versions[] = {
    {SAMPLE_SCHEMA_ID, sample_written, COUNT_OF(sample_written), sample_schema},
};
const struct record sample_record = {
    .name = "Sample",
    .full_name = "test.Sample",
    .size = sizeof(struct sample),
    .fields = sample_fields,
    .field_count = COUNT_OF(sample_fields),
    .schema_id = SAMPLE_SCHEMA_ID,
    .versions = sample_versions,
    .version_count = COUNT_OF(sample_versions),
};

const char sample_schema[] =
    "{\"type\":\"record\",\"namespace\":\"test\",\"name\":\"Sample\",\"fields\":["
    "{\"name\":\"id\",\"type\":\"string\"},"
    "{\"name\":\"remark\",\"type\":[\"null\",\"string\"]},"
    "{\"name\":\"amount\",\"type\":\"long\"},"
    "{\"name\":\"ceiling\",\"type\":[\"null\",\"long\"]},"
    "{\"name\":\"small\",\"type\":\"int\"},"
    "{\"name\":\"open\",\"type\":\"boolean\"},"
    "{\"name\":\"agreed\",\"type\":[\"null\",\"boolean\"]},"
    "{\"name\":\"colour\",\"type\":{\"type\":\"enum\",\"name\":\"Colour\","
    "\"symbols\":[\"RED\",\"GREEN\",\"BLUE\"]}},"
    "{\"name\":\"shade\",\"type\":[\"null\",\"Colour\"]},"
    "{\"name\":\"lines\",\"type\":{\"type\":\"array\",\"items\":"
    "{\"type\":\"record\",\"name\":\"Line\",\"fields\":["
    "{\"name\":\"product_id\",\"type\":\"string\"},{\"name\":\"quantity\",\"type\":\"long\"},"
    "{\"name\":\"discount\",\"type\":[\"null\",\"long\"]}]}}},"
    "{\"name\":\"extras\",\"type\":[\"null\",{\"type\":\"array\",\"items\":\"Line\"}]},"
    "{\"name\":\"place\",\"type\":{\"type\":\"record\",\"name\":\"Place\",\"fields\":["
    "{\"name\":\"inside\",\"type\":\"boolean\"},{\"name\":\"colour\",\"type\":\"Colour\"},"
    "{\"name\":\"street\",\"type\":\"string\"}]}},"
    "{\"name\":\"raw\",\"type\":\"bytes\"},"
    "{\"name\":\"sealed\",\"type\":[\"null\",\"bytes\"]}]}";

uint64_t draw_number(struct draw *draw, uint64_t below)
{
    draw->state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t mixed = draw->state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    mixed ^= mixed >> 31;
    return below == 0 ? mixed : mixed % below;
}

struct text draw_text(struct draw *draw, size_t characters_max, struct arena *arena)
{
    static const char *const characters[] = {"a",    "Z", "0", " ",  "\"", "\\", "\n",
                                             "\x7f", "é", "ß", "시", "장", "€",  "\U0001f4a9"};
    size_t count = draw_number(draw, characters_max + 1);
    char *bytes = arena_alloc(arena, 4 * count + 1);
    size_t size = 0;

    assert(bytes != NULL);
    for (size_t i = 0; i < count; i++) {
        bool plain = draw_number(draw, 4) != 0;
        const char *one = plain ? "x" : characters[draw_number(draw, COUNT_OF(characters))];
        memcpy(bytes + size, one, strlen(one));
        size += strlen(one);
    }
    bytes[size] = '\0';
    return (struct text){bytes, size};
}

static int64_t draw_integer(struct draw *draw, const struct field *field)
{
    static const int64_t corners[] = {0, -1, 1, 63, 64, -64, -65, INT64_MAX, INT64_MIN};
    int64_t value = draw_number(draw, 3) == 0 ? corners[draw_number(draw, COUNT_OF(corners))]
                                              : (int64_t)draw_number(draw, 0);

    if (field->max > field->min)
        return (int32_t)value;
    return value >> draw_number(draw, 64);
}

static struct list draw_list(struct draw *draw, const struct record *of, struct arena *arena)
{
    size_t count = draw_number(draw, 5);
    char *items = arena_alloc(arena, count * of->size + 1);

    assert(items != NULL);
    for (size_t i = 0; i < count; i++)
        draw_record(draw, of, arena, items + i * of->size);
    return (struct list){items, count};
}

static struct text draw_bytes(struct draw *draw, struct arena *arena)
{
    size_t size = draw_number(draw, 20);
    char *bytes = arena_alloc(arena, size + 1);

    assert(bytes != NULL);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(uint8_t)draw_number(draw, 256);
    return (struct text){bytes, size};
}

static int symbol_count(const struct field *field)
{
    int count = 0;

    while (field->symbols[count] != NULL)
        count++;
    return count;
}

static void draw_field(struct draw *draw, const struct field *field, struct arena *arena, void *at)
{
    switch (field->kind) {
    case FIELD_INTEGER: *(int64_t *)at = draw_integer(draw, field); break;
    case FIELD_BOOLEAN: *(bool *)at = draw_number(draw, 2) == 1; break;
    case FIELD_TEXT: *(struct text *)at = draw_text(draw, 40, arena); break;
    case FIELD_BYTES: *(struct text *)at = draw_bytes(draw, arena); break;
    case FIELD_CHOICE: *(int *)at = (int)draw_number(draw, (uint64_t)symbol_count(field)); break;
    case FIELD_LIST: *(struct list *)at = draw_list(draw, field->of, arena); break;
    case FIELD_RECORD: draw_record(draw, field->of, arena, at); break;
    }
}

static void mark_present(const struct field *field, void *at)
{
    if (field->kind == FIELD_INTEGER)
        ((struct optional_integer *)at)->present = true;
    if (field->kind == FIELD_BOOLEAN)
        ((struct optional_boolean *)at)->present = true;
    if (field->kind == FIELD_CHOICE)
        ((struct optional_choice *)at)->present = true;
}

void draw_record(struct draw *draw, const struct record *record, struct arena *arena,
                 void *ret_value)
{
    memset(ret_value, 0, record->size);
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        char *at = (char *)ret_value + field->offset;
        if (field->optional && draw_number(draw, 2) == 0)
            continue;
        draw_field(draw, field, arena, at);
        if (field->optional)
            mark_present(field, at);
    }
}

static bool same_list(const struct record *of, const struct list *a, const struct list *b)
{
    for (size_t i = 0; a->count == b->count && i < a->count; i++)
        if (!same_record(of, (const char *)a->items + i * of->size,
                         (const char *)b->items + i * of->size))
            return false;
    return a->count == b->count;
}

static bool same_field(const struct field *field, const void *a, const void *b)
{
    if (field_is_absent(field, a) || field_is_absent(field, b))
        return field_is_absent(field, a) && field_is_absent(field, b);
    switch (field->kind) {
    case FIELD_INTEGER: return *(const int64_t *)a == *(const int64_t *)b;
    case FIELD_BOOLEAN: return *(const bool *)a == *(const bool *)b;
    case FIELD_TEXT:
    case FIELD_BYTES: return text_equal(*(const struct text *)a, *(const struct text *)b);
    case FIELD_CHOICE: return *(const int *)a == *(const int *)b;
    case FIELD_LIST: return same_list(field->of, a, b);
    case FIELD_RECORD: return same_record(field->of, a, b);
    }
    return false;
}

bool same_record(const struct record *record, const void *a, const void *b)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        if (!same_field(field, (const char *)a + field->offset, (const char *)b + field->offset))
            return false;
    }
    return true;
}
