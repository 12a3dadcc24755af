/* Walks hostile Avro bytes by a writer's field table and fills the reader's struct in the same
 * pass. Arrays may come in several blocks, with or without sizes (Avro 1.11.1, "Arrays"). */
#include "lib/record/avro.h"

#include "lib/record/avro_walk.h"
#include <assert.h>

/* An empty list is present: its pointer must not be NULL. */
static const char empty_list[1];

static bool read_record(struct walk *walk, const struct record *record, char *value);

static bool read_null(struct walk *walk, const struct field *into, char *at)
{
    if (into == NULL)
        return true;
    if (!into->optional)
        return walk_corrupt(walk, "null for a field that must be there");
    field_set_absent(into, at);
    return true;
}

static bool read_integer(struct walk *walk, const struct field *field, const struct field *into,
                         char *at)
{
    int64_t value;

    if (!walk_long(walk, &value))
        return false;
    if (!avro_integer_fits(field, value))
        return walk_corrupt(walk, "an int of more than 32 bits");
    if (into == NULL)
        return true;
    if (into->optional)
        *(struct optional_integer *)(void *)at = (struct optional_integer){value, true};
    else
        *(int64_t *)(void *)at = value;
    return true;
}

static bool read_boolean(struct walk *walk, const struct field *into, char *at)
{
    if (walk->at == walk->end)
        return walk_corrupt(walk, "the bytes end before a boolean");
    uint8_t byte = *walk->at++;
    if (byte > 1)
        return walk_corrupt(walk, "a boolean that is neither 0 nor 1");
    if (into == NULL)
        return true;
    if (into->optional)
        *(struct optional_boolean *)(void *)at = (struct optional_boolean){byte == 1, true};
    else
        *(bool *)(void *)at = byte == 1;
    return true;
}

static bool read_text(struct walk *walk, const struct field *field, const struct field *into,
                      char *at)
{
    int64_t size;

    if (!walk_long(walk, &size))
        return false;
    if (size < 0 || (uint64_t)size > walk_left(walk))
        return walk_corrupt(walk, "a length beyond the end");
    struct text text = {(const char *)walk->at, (size_t)size};
    if (field->kind == FIELD_TEXT && !avro_text_is_valid(text))
        return walk_corrupt(walk, "a text that is not UTF-8");
    walk->at += size;
    if (into != NULL)
        *(struct text *)(void *)at = text;
    return true;
}

static bool read_choice(struct walk *walk, const struct field *field, const struct field *into,
                        char *at)
{
    int64_t index;

    if (!walk_long(walk, &index))
        return false;
    if (field_symbol(field, index) == NULL)
        return walk_corrupt(walk, "a choice its writer does not know");
    if (into == NULL)
        return true;
    if (into->optional)
        *(struct optional_choice *)(void *)at = (struct optional_choice){(int)index, true};
    else
        *(int *)(void *)at = (int)index;
    return true;
}

/* One block's head: 0 ends the array; a negative count is followed by the block's size in bytes. */
static bool read_block_head(struct walk *walk, size_t *ret_count, const uint8_t **ret_end)
{
    int64_t count;
    int64_t size;

    *ret_end = NULL;
    if (!walk_long(walk, &count))
        return false;
    if (count < -AVRO_LIST_COUNT_MAX || count > AVRO_LIST_COUNT_MAX)
        return walk_corrupt(walk, "a list longer than allowed");
    if (count < 0) {
        if (!walk_long(walk, &size))
            return false;
        if (size < 0 || (uint64_t)size > walk_left(walk))
            return walk_corrupt(walk, "a block beyond the end");
        *ret_end = walk->at + size;
        count = -count;
    }
    if ((uint64_t)count > walk_left(walk)) /* an item has a field, a field has a byte */
        return walk_corrupt(walk, "a list longer than its bytes");
    *ret_count = (size_t)count;
    return true;
}

/* A list under way. Capacity doubles, so many small blocks cost no more than one large one. */
struct growing {
    const struct record *of;
    char *items;
    size_t count;
    size_t capacity;
};

static bool make_room(struct walk *walk, struct growing *list, size_t more)
{
    size_t needed = list->count + more;

    if (needed > AVRO_LIST_COUNT_MAX)
        return walk_corrupt(walk, "a list longer than allowed");
    if (needed <= list->capacity)
        return true;
    size_t capacity = needed > 2 * list->capacity ? needed : 2 * list->capacity;
    char *items = arena_alloc(walk->arena, capacity * list->of->size);
    if (items == NULL)
        return walk_fail(walk, FAULT_OUT_OF_MEMORY, "no memory for a list");
    if (list->count > 0)
        memcpy(items, list->items, list->count * list->of->size);
    list->items = items;
    list->capacity = capacity;
    return true;
}

static bool skip_record(struct walk *walk, const struct record *record);

static bool read_block(struct walk *walk, const struct field *field, struct growing *list,
                       size_t count)
{
    if (list->of != NULL && !make_room(walk, list, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (list->of == NULL) {
            if (!skip_record(walk, field->of))
                return false;
            continue;
        }
        if (!read_record(walk, list->of, list->items + list->count * list->of->size))
            return false;
        list->count++;
    }
    return true;
}

static bool read_list(struct walk *walk, const struct field *field, const struct field *into,
                      char *at)
{
    struct growing list = {.of = into == NULL ? NULL : into->of};

    for (;;) {
        size_t count;
        const uint8_t *end;
        if (!read_block_head(walk, &count, &end))
            return false;
        if (!read_block(walk, field, &list, count))
            return false;
        if (end != NULL && walk->at != end)
            return walk_corrupt(walk, "a block of another size than it says");
        if (count == 0)
            break;
    }
    if (into != NULL)
        *(struct list *)(void *)at =
            (struct list){list.items == NULL ? empty_list : list.items, list.count};
    return true;
}

/* `into` is NULL where the reader no longer has the field: checked and skipped. */
static bool read_field(struct walk *walk, const struct field *field, const struct field *into,
                       char *at)
{
    assert(into == NULL || into->kind == field->kind);
    if (field->optional) {
        int64_t branch;
        if (!walk_long(walk, &branch))
            return false;
        if (branch == 0)
            return read_null(walk, into, at);
        if (branch != 1)
            return walk_corrupt(walk, "a branch its union does not have");
    }
    switch (field->kind) {
    case FIELD_INTEGER: return read_integer(walk, field, into, at);
    case FIELD_BOOLEAN: return read_boolean(walk, into, at);
    case FIELD_TEXT:
    case FIELD_BYTES: return read_text(walk, field, into, at);
    case FIELD_CHOICE: return read_choice(walk, field, into, at);
    case FIELD_LIST: return read_list(walk, field, into, at);
    case FIELD_RECORD:
        return into == NULL ? skip_record(walk, field->of) : read_record(walk, into->of, at);
    }
    return walk_corrupt(walk, "a field of unknown kind");
}

static bool failed_in(struct walk *walk, const struct field *field)
{
    if (walk->field == NULL)
        walk->field = field->name;
    return false;
}

static bool enter(struct walk *walk)
{
    if (walk->depth == AVRO_DEPTH_MAX)
        return walk_corrupt(walk, "records nested too deep");
    walk->depth++;
    return true;
}

static bool skip_record(struct walk *walk, const struct record *record)
{
    if (!enter(walk))
        return false;
    for (size_t i = 0; i < record->field_count; i++)
        if (!read_field(walk, &record->fields[i], NULL, NULL))
            return failed_in(walk, &record->fields[i]);
    walk->depth--;
    return true;
}

static const struct record_version *find_version(const struct record *record, uint32_t schema_id)
{
    for (size_t i = record->version_count; i > 0; i--)
        if (record->versions[i - 1].schema_id == schema_id)
            return &record->versions[i - 1];
    return NULL;
}

static bool read_version(struct walk *walk, const struct record *record,
                         const struct record_version *version, char *value)
{
    for (size_t i = 0; i < version->field_count; i++) {
        const struct writer_field *written = &version->fields[i];
        const struct field *into = written->target < 0 ? NULL : &record->fields[written->target];
        if (!read_field(walk, &written->field, into, into == NULL ? NULL : value + into->offset))
            return failed_in(walk, &written->field);
    }
    return true;
}

static bool read_own(struct walk *walk, const struct record *record, char *value)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        if (!read_field(walk, field, field, value + field->offset))
            return failed_in(walk, field);
    }
    return true;
}

/* A nested record that never changed may come without versions. */
static bool read_record(struct walk *walk, const struct record *record, char *value)
{
    bool ok;

    if (!enter(walk))
        return false;
    record_set_defaults(record, value);
    if (walk->schema_id != 0 && record->version_count > 0) {
        const struct record_version *version = find_version(record, walk->schema_id);
        if (version == NULL)
            return walk_fail(walk, FAULT_SCHEMA_UNKNOWN, "written by a schema not known here");
        ok = read_version(walk, record, version, value);
    } else {
        ok = read_own(walk, record, value);
    }
    walk->depth--;
    return ok;
}

static bool decode(struct walk *walk, const struct record *record, void *ret_value,
                   struct error *error)
{
    const uint8_t *start = walk->at;
    bool ok = read_record(walk, record, ret_value);

    if (ok && walk->at != walk->end)
        ok = walk_corrupt(walk, "bytes are left over");
    if (!ok)
        return error_set(error, walk->fault, "%s, schema %u: %s, field %s, byte %zu", record->name,
                         walk->schema_id, walk->problem, walk->field == NULL ? "-" : walk->field,
                         (size_t)(walk->at - start));
    return true;
}

bool avro_frame(const uint8_t *bytes, size_t size, uint32_t *ret_schema_id)
{
    if (size < AVRO_FRAME_SIZE || bytes[0] != 0)
        return false;
    *ret_schema_id = (uint32_t)bytes[1] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 8 |
                     (uint32_t)bytes[4];
    return true;
}

bool avro_decode_framed(const struct record *record, struct text bytes, struct arena *arena,
                        void *ret_value, struct error *error)
{
    const uint8_t *begin = (const uint8_t *)bytes.bytes;
    uint32_t schema_id;

    if (!avro_frame(begin, bytes.size, &schema_id))
        return error_set(error, FAULT_DATA_CORRUPT, "%s: no framed Avro", record->name);
    if (find_version(record, schema_id) == NULL)
        return error_set(error, FAULT_SCHEMA_UNKNOWN, "%s: no version has schema %u", record->name,
                         schema_id);
    struct walk walk = {
        .at = begin + AVRO_FRAME_SIZE,
        .end = begin + bytes.size,
        .arena = arena,
        .schema_id = schema_id,
    };
    return decode(&walk, record, ret_value, error);
}

bool avro_decode(const struct record *record, struct text bytes, struct arena *arena,
                 void *ret_value, struct error *error)
{
    const uint8_t *begin = (const uint8_t *)bytes.bytes;
    struct walk walk = {.at = begin, .end = begin + bytes.size, .arena = arena};

    return decode(&walk, record, ret_value, error);
}

const struct record *avro_find_record(const struct record *const *records, uint32_t schema_id)
{
    for (; *records != NULL; records++)
        if (find_version(*records, schema_id) != NULL)
            return *records;
    return NULL;
}
