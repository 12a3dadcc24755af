/* Parameters on their way out. Arrays are walked column by column, so that a batch of rows becomes
 * a few arrays for unnest without a copy of the rows. */
#include "lib/core/id.h"
#include "lib/db/faults.h"
#include "lib/db/wire.h"
#include <assert.h>
#include <endian.h>
#include <string.h>

#define PARAMETER_BYTES_MAX ((size_t)256 * 1024 * 1024)

/* What any value is before it is encoded. */
struct item {
    bool null;
    bool textual;
    int64_t integer;
    struct text text;
};

struct db_value db_integer(int64_t value)
{
    return (struct db_value){.shape = DB_SCALAR_INTEGER, .integer = value};
}

struct db_value db_boolean(bool value)
{
    return (struct db_value){.shape = DB_SCALAR_BOOLEAN, .integer = value};
}

struct db_value db_text(struct text value)
{
    return (struct db_value){.shape = value.bytes != NULL ? DB_SCALAR_TEXT : DB_NULL,
                             .text = value};
}

struct db_value db_column(const struct record *record, const char *field, const void *const *rows,
                          size_t count)
{
    const struct field *found = record_find_field(record, field);

    assert(found != NULL);
    return (struct db_value){.shape = DB_COLUMN, .rows = rows, .count = count, .field = found};
}

struct db_value db_integers(const int64_t *values, size_t count)
{
    return (struct db_value){.shape = DB_INTEGER_LIST, .rows = values, .count = count};
}

struct db_value db_texts(const struct text *values, size_t count)
{
    return (struct db_value){.shape = DB_TEXT_LIST, .rows = values, .count = count};
}

static bool type_is_textual(enum db_type type)
{
    return type == DB_TEXT || type == DB_UUID || type == DB_BYTEA;
}

static void put_int32(struct buffer *out, int32_t value)
{
    uint32_t wire = htobe32((uint32_t)value);

    buffer_put(out, &wire, sizeof wire);
}

static void put_int64(struct buffer *out, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);

    buffer_put(out, &wire, sizeof wire);
}

static void put_length(struct buffer *out, bool with_length, size_t length)
{
    if (with_length)
        put_int32(out, (int32_t)length);
}

static struct item choice_item(const struct field *field, int value)
{
    return (struct item){.textual = true, .text = text_of(field->symbols[value])};
}

static struct item optional_item(const struct field *field, const void *at)
{
    const struct optional_integer *integer = at;
    const struct optional_boolean *boolean = at;
    const struct optional_choice *choice = at;

    if (field->kind == FIELD_INTEGER)
        return (struct item){.null = !integer->present, .integer = integer->value};
    if (field->kind == FIELD_BOOLEAN)
        return (struct item){.null = !boolean->present, .integer = boolean->value};
    if (!choice->present)
        return (struct item){.null = true, .textual = true};
    return choice_item(field, choice->value);
}

static struct item field_item(const struct field *field, const void *row)
{
    const void *at = (const char *)row + field->offset;
    const struct text *text = at;

    if (field->kind == FIELD_TEXT || field->kind == FIELD_BYTES)
        return (struct item){.null = text->bytes == NULL, .textual = true, .text = *text};
    if (field->optional)
        return optional_item(field, at);
    if (field->kind == FIELD_INTEGER)
        return (struct item){.integer = *(const int64_t *)at};
    if (field->kind == FIELD_BOOLEAN)
        return (struct item){.integer = *(const bool *)at};
    assert(field->kind == FIELD_CHOICE);
    return choice_item(field, *(const int *)at);
}

static struct item list_item(const struct db_value *value, size_t index)
{
    const struct text *texts = value->rows;
    const int64_t *integers = value->rows;
    const void *const *rows = value->rows;

    if (value->shape == DB_COLUMN)
        return field_item(value->field, rows[index]);
    if (value->shape == DB_INTEGER_LIST)
        return (struct item){.integer = integers[index]};
    assert(value->shape == DB_TEXT_LIST);
    return (struct item){.null = texts[index].bytes == NULL, .textual = true, .text = texts[index]};
}

static struct item scalar_item(const struct db_value *value)
{
    assert(value->shape == DB_SCALAR_INTEGER || value->shape == DB_SCALAR_BOOLEAN ||
           value->shape == DB_SCALAR_TEXT);
    return (struct item){
        .textual = value->shape == DB_SCALAR_TEXT, .integer = value->integer, .text = value->text};
}

/* False: the value does not fit its type. */
static bool put_item(struct buffer *out, enum db_type type, const struct item *item,
                     bool with_length)
{
    struct uuid uuid;

    assert(item->textual == type_is_textual(type));
    switch (type) {
    case DB_UUID:
        if (!uuid_parse(item->text, &uuid))
            return false;
        put_length(out, with_length, sizeof uuid.bytes);
        buffer_put(out, uuid.bytes, sizeof uuid.bytes);
        return true;
    case DB_INTEGER:
        if (item->integer < INT32_MIN || item->integer > INT32_MAX)
            return false;
        put_length(out, with_length, sizeof(int32_t));
        put_int32(out, (int32_t)item->integer);
        return true;
    case DB_BOOLEAN:
        put_length(out, with_length, 1);
        buffer_put_byte(out, item->integer != 0);
        return true;
    case DB_BIGINT:
    case DB_TIMESTAMP:
        put_length(out, with_length, sizeof(int64_t));
        put_int64(out, type == DB_BIGINT ? item->integer : item->integer - DB_EPOCH_US);
        return true;
    default:
        if (item->text.size > INT32_MAX)
            return false;
        put_length(out, with_length, item->text.size);
        buffer_put(out, item->text.bytes, item->text.size);
        return true;
    }
}

/* dimensions, a flag for NULLs, element type, then size and first index of the only dimension. */
static bool put_array(struct buffer *out, const struct db_type_entry *type,
                      const struct db_value *value)
{
    put_int32(out, value->count > 0);
    put_int32(out, 1);
    put_int32(out, (int32_t)type->element_oid);
    if (value->count == 0)
        return true;
    put_int32(out, (int32_t)value->count);
    put_int32(out, 1);
    for (size_t i = 0; i < value->count; i++) {
        struct item item = list_item(value, i);
        if (item.null)
            put_int32(out, -1);
        else if (!put_item(out, type->element, &item, true))
            return false;
    }
    return true;
}

bool db_put_field(struct buffer *out, enum db_type type, const struct field *field, const void *row)
{
    struct item item = field_item(field, row);

    if (!item.null)
        return put_item(out, type, &item, true);
    put_int32(out, -1);
    return true;
}

static bool put_value(struct buffer *out, enum db_type type, const struct db_value *value)
{
    const struct db_type_entry *entry = db_type_find(type);
    struct item item;

    if (entry->element_oid != 0)
        return put_array(out, entry, value);
    item = scalar_item(value);
    return put_item(out, type, &item, false);
}

void db_parameters_init(struct db_parameters *parameters)
{
    *parameters = (struct db_parameters){0};
    buffer_init(&parameters->bytes, PARAMETER_BYTES_MAX);
    for (size_t i = 0; i < DB_PARAMETERS_MAX; i++)
        parameters->formats[i] = 1;
}

void db_parameters_done(struct db_parameters *parameters)
{
    buffer_done(&parameters->bytes);
}

static bool encode(struct db_parameters *parameters, const struct db_statement *statement,
                   const struct db_value *values, struct error *error)
{
    struct buffer *bytes = &parameters->bytes;

    assert(statement->parameter_count <= DB_PARAMETERS_MAX);
    buffer_clear(bytes);
    buffer_put_byte(bytes, 0); /* so that an empty text has an address: NULL would mean null */
    for (size_t i = 0; i < statement->parameter_count; i++) {
        parameters->offsets[i] = bytes->size;
        if (values[i].shape != DB_NULL && !put_value(bytes, statement->parameters[i], &values[i]))
            return error_set(error, FAULT_DATA_CORRUPT,
                             "statement %s, parameter $%zu: the value is no %s", statement->name,
                             i + 1, db_type_find(statement->parameters[i])->name);
        parameters->sizes[i] = (int)(bytes->size - parameters->offsets[i]);
    }
    if (bytes->failed)
        return error_set(error, FAULT_LIMIT_EXCEEDED, "statement %s: too many bytes of parameters",
                         statement->name);
    for (size_t i = 0; i < statement->parameter_count; i++)
        parameters->values[i] =
            values[i].shape == DB_NULL ? NULL : (const char *)bytes->bytes + parameters->offsets[i];
    return true;
}

bool db_parameters_send(struct db_parameters *parameters, PGconn *pg,
                        const struct db_statement *statement, const struct db_value *values,
                        struct error *error)
{
    if (!encode(parameters, statement, values, error))
        return false;
    if (PQsendQueryPrepared(pg, statement->name, (int)statement->parameter_count,
                            parameters->values, parameters->sizes, parameters->formats, 1) != 1)
        return db_fail_connection(error, pg, statement->name);
    return true;
}
