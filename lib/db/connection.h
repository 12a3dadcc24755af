/* One connection, used by one thread, blocking: for projectors, migrations and tools. Statements
 * sent between db_begin and db_commit travel as a pipeline: results are looked at where they are
 * awaited. */
#pragma once

#include "lib/db/statement.h"

struct db_connection;

struct db_options {
    const char *conninfo;    /* libpq connection string */
    const char *search_path; /* NULL: the server's */
    const char *application_name;
    bool asynchronous_commit; /* synchronous_commit=off */
    int timeout_ms;           /* statement_timeout and connect timeout */
    /* NULL-terminated; all prepared when connecting, parameter and column types compared */
    const struct db_statement *const *statements;
};

/* CONFIG_INVALID where connections may end up at servers of which one has more than another:
 * several hosts, and not the one that writes among them asked for. */
MUST_CHECK bool db_check_single(const char *conninfo, struct error *error);

/* Faults: DATABASE_UNAVAILABLE (away, restarting, out of connections, disk full, deadlock: wait and
 * try again), DATABASE_FAILED (the statement is wrong), DATA_CORRUPT (SQLSTATE classes 22 and 23:
 * the data is). After UNAVAILABLE the connection is closed; open a new one. Detail never holds the
 * password. */
MUST_CHECK struct db_connection *db_connect(const struct db_options *options, struct error *error);
struct db_connection *db_close(struct db_connection *connection); /* NULL accepted, returns NULL */

struct db_rows {
    const void *items; /* array of the statement's row struct, from the arena */
    size_t count;
    int64_t affected; /* rows inserted, updated or deleted */
};

/* Runs one statement outside a transaction block and waits for it. */
MUST_CHECK bool db_run(struct db_connection *connection, const struct db_statement *statement,
                       const struct db_value *values, struct arena *arena, struct db_rows *ret_rows,
                       struct error *error);

/* A transaction in pipeline mode. db_send queues a statement and returns at once; results are taken
 * with db_take in the order sent, flushing what is needed. db_commit takes the rest, and fails if
 * any of them failed, or if the outcome of COMMIT is not known (UNAVAILABLE: compare positions
 * after reconnecting). */
MUST_CHECK bool db_begin(struct db_connection *connection, struct error *error);
MUST_CHECK bool db_send(struct db_connection *connection, const struct db_statement *statement,
                        const struct db_value *values, struct error *error);
MUST_CHECK bool db_take(struct db_connection *connection, struct arena *arena,
                        struct db_rows *ret_rows, struct error *error);
MUST_CHECK bool db_commit(struct db_connection *connection, struct error *error);
/* db_commit in two halves: everything is on its way to the server before anything is waited for.
 * db_take may stand between them. */
MUST_CHECK bool db_commit_send(struct db_connection *connection, struct error *error);
MUST_CHECK bool db_commit_wait(struct db_connection *connection, struct error *error);
void db_roll_back(struct db_connection *connection); /* also after a failure; harmless when idle */

/* A multi-statement script (a migration), in a transaction of its own. */
MUST_CHECK bool db_run_script(struct db_connection *connection, const char *sql,
                              struct error *error);
