/* The inside of a blocking connection, shared by connection.c (one statement at a time) and
 * transaction.c (pipelines). */
#pragma once

#include "lib/db/link.h"

/* Statements between begin and commit: more would keep too much in libpq's memory. */
#define DB_SENT_MAX 1024

struct db_connection {
    struct db_options options;
    struct db_link link;
    struct db_parameters parameters;
    bool in_transaction;
    bool flush_due; /* statements were sent since the server was last asked to show its results */
    size_t sent_count;
    size_t taken_count;
    const struct db_statement *sent[DB_SENT_MAX];
};

bool db_session_is_open(const struct db_connection *connection, struct error *error);
/* UNAVAILABLE with what libpq says, and closed. Returns false. */
bool db_session_lost(struct db_connection *connection, const char *what, struct error *error);
/* How long to wait for what is under way; INT64_MAX: for ever. */
int64_t db_session_patience(const struct db_connection *connection);
/* The next result, or NULL between two statements; *ret_result belongs to the caller. */
MUST_CHECK bool db_session_await(struct db_connection *connection, int64_t until_boot_us,
                                 PGresult **ret_result, struct error *error);
/* What a result is read as. */
struct db_reading {
    const struct db_statement *statement;
    struct arena *arena;
    struct db_rows *ret_rows; /* NULL: only success or failure */
};

/* Outside pipeline mode: reads up to the end of the command, remembering the first failure. */
MUST_CHECK bool db_session_finish(struct db_connection *connection,
                                  const struct db_reading *reading, struct error *error);
MUST_CHECK bool db_session_read(struct db_connection *connection, const PGresult *result,
                                const struct db_reading *reading, struct error *error);
