/* Rows on their way in: one piece of the arena for the structs, one for all their texts. */
#include "lib/core/id.h"
#include "lib/db/wire.h"
#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

struct row_reader {
    const PGresult *result;
    const struct db_statement *statement;
    char *texts; /* where the next text goes */
};

static size_t text_bytes(const PGresult *result, const struct record *row)
{
    size_t total = 0;

    for (int column = 0; column < (int)row->field_count; column++) {
        enum field_kind kind = row->fields[column].kind;
        if (kind != FIELD_TEXT && kind != FIELD_BYTES)
            continue;
        if (PQftype(result, column) == OID_UUID) {
            total += (size_t)PQntuples(result) * UUID_TEXT_SIZE;
            continue;
        }
        for (int i = 0; i < PQntuples(result); i++)
            total += (size_t)PQgetlength(result, i, column);
    }
    return total;
}

static int64_t read_integer(const char *bytes, Oid type)
{
    uint64_t wide;
    uint32_t narrow;

    if (type == OID_INT4) {
        memcpy(&narrow, bytes, sizeof narrow);
        return (int32_t)be32toh(narrow);
    }
    memcpy(&wide, bytes, sizeof wide);
    return (int64_t)be64toh(wide) + (type == OID_TIMESTAMPTZ ? DB_EPOCH_US : 0);
}

static struct text read_text(struct row_reader *reader, struct text bytes, Oid type)
{
    struct text text = {.bytes = reader->texts, .size = bytes.size};

    if (type == OID_UUID) {
        struct uuid uuid;
        memcpy(uuid.bytes, bytes.bytes, sizeof uuid.bytes);
        uuid_format(&uuid, reader->texts);
        reader->texts += UUID_TEXT_SIZE;
        text.size = UUID_TEXT_SIZE - 1;
        return text;
    }
    memcpy(reader->texts, bytes.bytes, bytes.size);
    reader->texts += bytes.size;
    return text;
}

static int read_choice(const struct field *field, struct text text)
{
    for (int i = 0; field->symbols[i] != NULL; i++)
        if (text_is(text, field->symbols[i]))
            return i;
    return -1;
}

static size_t size_on_the_wire(Oid type)
{
    switch (type) {
    case OID_BOOL: return 1;
    case OID_INT4: return 4;
    case OID_INT8:
    case OID_TIMESTAMPTZ: return 8;
    case OID_UUID: return 16;
    default: return 0;
    }
}

static bool read_field(struct row_reader *reader, const struct field *field, void *at,
                       struct text bytes, Oid type)
{
    size_t size = size_on_the_wire(type);
    int choice;

    if (size != 0 && bytes.size != size)
        return false;
    switch (field->kind) {
    case FIELD_INTEGER:
        if (field->optional)
            ((struct optional_integer *)at)->present = true;
        *(int64_t *)at = read_integer(bytes.bytes, type); /* .value comes first */
        return true;
    case FIELD_BOOLEAN:
        if (field->optional)
            ((struct optional_boolean *)at)->present = true;
        *(bool *)at = bytes.bytes[0] != 0;
        return true;
    case FIELD_TEXT:
    case FIELD_BYTES: *(struct text *)at = read_text(reader, bytes, type); return true;
    case FIELD_CHOICE:
        choice = read_choice(field, bytes);
        if (field->optional)
            ((struct optional_choice *)at)->present = true;
        *(int *)at = choice;
        return choice >= 0;
    case FIELD_LIST:
    case FIELD_RECORD: break;
    }
    return false;
}

static bool read_row(struct row_reader *reader, int row, char *item, struct error *error)
{
    const struct record *record = reader->statement->row;

    for (int column = 0; column < (int)record->field_count; column++) {
        const struct field *field = &record->fields[column];
        struct text bytes = {.bytes = PQgetvalue(reader->result, row, column),
                             .size = (size_t)PQgetlength(reader->result, row, column)};
        Oid type = PQftype(reader->result, column);
        bool null = PQgetisnull(reader->result, row, column) == 1;

        if (null && field->optional)
            continue;
        if (null || !read_field(reader, field, item + field->offset, bytes, type))
            return error_set(error, FAULT_DATA_CORRUPT, "statement %s, column %s: %s",
                             reader->statement->name, field->name,
                             null ? "null is not expected" : "not a value of the code's type");
    }
    return true;
}

static int64_t affected_rows(PGresult *result)
{
    if (strncmp(PQcmdStatus(result), "SELECT", 6) == 0)
        return 0;
    return strtoll(PQcmdTuples(result), NULL, 10);
}

bool db_rows_read(const PGresult *result, const struct db_statement *statement, struct arena *arena,
                  struct db_rows *ret_rows, struct error *error)
{
    struct row_reader reader = {.result = result, .statement = statement};
    size_t count = (size_t)PQntuples(result);
    char *items;

    /* PQcmdStatus and PQcmdTuples take their argument without const and change nothing. */
    *ret_rows = (struct db_rows){.affected = affected_rows((PGresult *)(uintptr_t)result)};
    if (statement->row == NULL || count == 0)
        return true;
    assert((size_t)PQnfields(result) == statement->row->field_count);
    items = arena_alloc_zeroed(arena, count * statement->row->size);
    reader.texts = arena_alloc(arena, text_bytes(result, statement->row) + 1);
    if (items == NULL || reader.texts == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "statement %s: %zu rows do not fit",
                         statement->name, count);
    for (size_t i = 0; i < count; i++)
        if (!read_row(&reader, (int)i, items + i * statement->row->size, error))
            return false;
    ret_rows->items = items;
    ret_rows->count = count;
    return true;
}
