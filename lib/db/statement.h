/* SQL as constants with typed parameters and rows. A statement is written above its only user,
 * prepared by name at start, and its types compared with the server's. The server infers the types
 * of parameters: write $1::uuid[] where it cannot (unnest). */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/error.h"
#include "lib/record/record.h"

#define DB_PARAMETERS_MAX 40

/* How a parameter or column travels (binary). The C side is what the field table says: integers as
 * int64_t, texts as struct text, uuids as text of format TEXT_UUID. */
enum db_type {
    DB_BIGINT,
    DB_INTEGER,
    DB_BOOLEAN,
    DB_TEXT,
    DB_UUID,
    DB_BYTEA,
    DB_TIMESTAMP, /* timestamptz; int64_t microseconds since 1970 */
    DB_BIGINT_ARRAY,
    DB_INTEGER_ARRAY,
    DB_BOOLEAN_ARRAY,
    DB_TEXT_ARRAY,
    DB_UUID_ARRAY,
    DB_BYTEA_ARRAY,
    DB_TIMESTAMP_ARRAY,
};

struct db_statement {
    const char *name;
    const char *sql;
    const enum db_type *parameters;
    size_t parameter_count;
    /* Columns in order, one per field: kinds INTEGER (bigint, integer, timestamptz), BOOLEAN, TEXT
     * (text, uuid), BYTES, CHOICE (text among .symbols). NULL: returns no rows. */
    const struct record *row;
};

/* One value. Use the constructors. Arrays of a column are taken from an array of structs. */
struct db_value {
    enum {
        DB_NULL,
        DB_SCALAR_INTEGER,
        DB_SCALAR_BOOLEAN,
        DB_SCALAR_TEXT,
        DB_COLUMN,
        DB_INTEGER_LIST,
        DB_TEXT_LIST,
    } shape;
    int64_t integer;
    struct text text;
    /* DB_COLUMN: rows is an array of `count` pointers to structs of `record`; field picks the
     * column. Lists: rows is a plain array of int64_t or struct text. */
    const void *rows;
    size_t count;
    const struct field *field;
};

struct db_value db_integer(int64_t value);
struct db_value db_boolean(bool value);
struct db_value db_text(struct text value); /* absent: NULL */
struct db_value db_column(const struct record *record, const char *field, const void *const *rows,
                          size_t count);
struct db_value db_integers(const int64_t *values, size_t count);
struct db_value db_texts(const struct text *values, size_t count);
