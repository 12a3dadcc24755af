/* Binary values between structs and libpq
 * (https://www.postgresql.org/docs/15/protocol-message-formats.html, src/backend/utils/adt recv and
 * send). */
#pragma once

#include "lib/core/buffer.h"
#include "lib/db/connection.h"
#include <libpq-fe.h>

/* Microseconds from 1970 to 2000, where Postgres counts from. */
#define DB_EPOCH_US INT64_C(946684800000000)

enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_BOOL_ARRAY = 1000,
    OID_BYTEA_ARRAY = 1001,
    OID_INT4_ARRAY = 1007,
    OID_TEXT_ARRAY = 1009,
    OID_INT8_ARRAY = 1016,
    OID_VARCHAR = 1043,
    OID_TIMESTAMPTZ = 1184,
    OID_TIMESTAMPTZ_ARRAY = 1185,
    OID_UUID = 2950,
    OID_UUID_ARRAY = 2951,
};

struct db_type_entry {
    const char *name;
    Oid oid;
    Oid element_oid; /* 0: not an array */
    enum db_type element;
};

const struct db_type_entry *db_type_find(enum db_type type);

/* The parameters of one statement as libpq takes them; the memory is used again by the next. */
struct db_parameters {
    struct buffer bytes;
    size_t offsets[DB_PARAMETERS_MAX];
    const char *values[DB_PARAMETERS_MAX];
    int sizes[DB_PARAMETERS_MAX];
    int formats[DB_PARAMETERS_MAX];
};

void db_parameters_init(struct db_parameters *parameters);
void db_parameters_done(struct db_parameters *parameters);
/* Encodes and queues the statement on the connection. */
MUST_CHECK bool db_parameters_send(struct db_parameters *parameters, PGconn *pg,
                                   const struct db_statement *statement,
                                   const struct db_value *values, struct error *error);

/* One field of a row as COPY has it, its length before it. False: the value is not of that type. */
MUST_CHECK bool db_put_field(struct buffer *out, enum db_type type, const struct field *field,
                             const void *row);

MUST_CHECK bool db_rows_read(const PGresult *result, const struct db_statement *statement,
                             struct arena *arena, struct db_rows *ret_rows, struct error *error);

/* Compares what the server describes with what the statement declares. */
MUST_CHECK bool db_statement_compare(const struct db_statement *statement,
                                     const PGresult *description, struct error *error);
