/* The blocking connection. It waits with poll and reads while it writes, so that a long pipeline
 * cannot stop both sides with full sockets. */
#include "lib/db/connection.h"
#include "lib/core/clock.h"
#include "lib/db/faults.h"
#include "lib/db/session.h"
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* Beyond the server's own statement timeout. */
#define PATIENCE_MS 5000

static const struct db_statement script_statement = {.name = "script"};

bool db_session_lost(struct db_connection *connection, const char *what, struct error *error)
{
    db_fail_connection(error, connection->link.pg, what);
    db_link_close(&connection->link);
    connection->in_transaction = false;
    return false;
}

static bool silent(struct db_connection *connection, const char *what, struct error *error)
{
    db_link_close(&connection->link);
    connection->in_transaction = false;
    return error_set(error, FAULT_DATABASE_UNAVAILABLE, "%s: no answer in time", what);
}

bool db_session_is_open(const struct db_connection *connection, struct error *error)
{
    if (connection->link.state == DB_LINK_READY)
        return true;
    return error_set(error, FAULT_DATABASE_UNAVAILABLE, "the connection is closed");
}

/* False when the time is over. */
static bool wait_socket(PGconn *pg, short events, int64_t deadline_boot_us)
{
    struct pollfd entry = {.fd = PQsocket(pg), .events = events};
    int64_t left_ms =
        deadline_boot_us == INT64_MAX ? -1 : (deadline_boot_us - clock_boot_us() + 999) / 1000;
    int ready;

    if (deadline_boot_us != INT64_MAX && left_ms <= 0)
        return false;
    ready = poll(&entry, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
    return ready > 0 || (ready < 0 && errno == EINTR);
}

static bool come_up(struct db_connection *connection, struct error *error)
{
    struct db_link *link = &connection->link;

    if (!db_link_open(link, &connection->options, error))
        return false;
    while (link->state != DB_LINK_READY) {
        if (!wait_socket(link->pg, link->wanted, link->deadline_boot_us))
            return silent(connection, "connecting", error);
        if (!db_link_advance(link, error))
            return false;
    }
    if (PQexitPipelineMode(link->pg) != 1)
        return db_session_lost(connection, "connecting", error);
    return true;
}

struct db_connection *db_connect(const struct db_options *options, struct error *error)
{
    struct db_connection *connection = calloc(1, sizeof *connection);

    if (connection == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "connecting");
        return NULL;
    }
    connection->options = *options;
    db_parameters_init(&connection->parameters);
    return come_up(connection, error) ? connection : db_close(connection);
}

struct db_connection *db_close(struct db_connection *connection)
{
    if (connection == NULL)
        return NULL;
    db_link_close(&connection->link);
    db_parameters_done(&connection->parameters);
    free(connection);
    return NULL;
}

int64_t db_session_patience(const struct db_connection *connection)
{
    int64_t statements = (int64_t)(connection->sent_count - connection->taken_count) + 1;

    if (connection->options.timeout_ms <= 0)
        return INT64_MAX;
    return clock_boot_us() +
           (connection->options.timeout_ms * statements + PATIENCE_MS) * INT64_C(1000);
}

bool db_session_await(struct db_connection *connection, int64_t until_boot_us,
                      PGresult **ret_result, struct error *error)
{
    PGconn *pg = connection->link.pg;

    for (;;) {
        int unsent = PQflush(pg);
        if (unsent < 0)
            return db_session_lost(connection, "sending", error);
        if (!PQisBusy(pg))
            break;
        if (!wait_socket(pg, unsent == 1 ? POLLIN | POLLOUT : POLLIN, until_boot_us))
            return silent(connection, "waiting", error);
        if (PQconsumeInput(pg) != 1)
            return db_session_lost(connection, "waiting", error);
    }
    *ret_result = PQgetResult(pg);
    return true;
}

static bool fail_result(struct db_connection *connection, const PGresult *result, const char *what,
                        struct error *error)
{
    struct error failure = {0};

    db_fail_result(&failure, result, what);
    if (failure.fault == FAULT_DATABASE_UNAVAILABLE) {
        db_link_close(&connection->link);
        connection->in_transaction = false;
    }
    if (error != NULL)
        *error = failure;
    return false;
}

static bool is_success(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

bool db_session_read(struct db_connection *connection, const PGresult *result,
                     const struct db_reading *reading, struct error *error)
{
    const struct db_statement *statement = reading->statement;
    struct db_rows rows = {0};

    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
        return error_set(error, FAULT_DATABASE_FAILED, "%s: skipped after an earlier failure",
                         statement->name);
    if (!is_success(result))
        return fail_result(connection, result, statement->name, error);
    if (reading->ret_rows == NULL)
        return true;
    if (!db_rows_read(result, statement, reading->arena, &rows, error))
        return false;
    *reading->ret_rows = rows;
    return true;
}

bool db_session_finish(struct db_connection *connection, const struct db_reading *reading,
                       struct error *error)
{
    int64_t until =
        reading->statement == &script_statement ? INT64_MAX : db_session_patience(connection);
    bool fine = true;

    for (;;) {
        PGresult *result = NULL;
        if (!db_session_await(connection, until, &result, error))
            return false;
        if (result == NULL)
            return fine;
        if (fine)
            fine = db_session_read(connection, result, reading, error);
        PQclear(result);
        if (connection->link.pg == NULL)
            return false;
    }
}

bool db_run(struct db_connection *connection, const struct db_statement *statement,
            const struct db_value *values, struct arena *arena, struct db_rows *ret_rows,
            struct error *error)
{
    PGconn *pg = connection->link.pg;

    assert(!connection->in_transaction);
    if (!db_session_is_open(connection, error))
        return false;
    if (!db_parameters_send(&connection->parameters, pg, statement, values, error)) {
        if (PQstatus(pg) == CONNECTION_BAD)
            db_link_close(&connection->link);
        return false;
    }
    return db_session_finish(connection, &(struct db_reading){statement, arena, ret_rows}, error);
}

bool db_run_script(struct db_connection *connection, const char *sql, struct error *error)
{
    const char *const steps[] = {"BEGIN", sql, "COMMIT"};
    const struct db_reading script = {.statement = &script_statement};

    assert(!connection->in_transaction);
    if (!db_session_is_open(connection, error))
        return false;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        if (PQsendQuery(connection->link.pg, steps[i]) != 1)
            return db_session_lost(connection, "script", error);
        if (db_session_finish(connection, &script, error))
            continue;
        if (connection->link.pg != NULL && PQsendQuery(connection->link.pg, "ROLLBACK") == 1)
            (void)!db_session_finish(connection, &script, NULL);
        return false;
    }
    return true;
}
