/* COPY FROM STDIN: rows into a table an order of magnitude faster than INSERT, with one statement
 * in the same transaction that says what they are. */
#pragma once

#include "lib/db/connection.h"

struct db_copying {
    const char *sql; /* COPY … FROM STDIN (FORMAT binary), columns as `record`'s fields */
    const enum db_type *types; /* array types of the columns, as an upsert's parameters */
    const struct record *record;
    /* The next row, or NULL. What it answers is read before it is asked again. */
    const void *(*next)(void *self);
    void *self;
    const struct db_statement *statement; /* after the rows; prepared on the connection */
    const struct db_value *values;
};

/* One transaction: all rows and the statement, or nothing. Faults as of db_run; *ret_rows: how many
 * rows it copied. */
MUST_CHECK bool db_copy(struct db_connection *connection, const struct db_copying *copying,
                        int64_t *ret_rows, struct error *error);
