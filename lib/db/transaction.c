/* Transactions as pipelines: everything is sent ahead, the server is asked to show results (a flush
 * request) only where somebody waits for one. */
#include "lib/db/connection.h"
#include "lib/db/session.h"
#include <assert.h>
#include <string.h>

static const struct db_statement begin_statement = {.name = "BEGIN", .sql = "BEGIN"};
static const struct db_statement commit_statement = {.name = "COMMIT", .sql = "COMMIT"};

static void remember(struct db_connection *connection, const struct db_statement *statement)
{
    connection->sent[connection->sent_count++] = statement;
    connection->flush_due = true;
}

static bool send_plain(struct db_connection *connection, const struct db_statement *statement,
                       struct error *error)
{
    if (PQsendQueryParams(connection->link.pg, statement->sql, 0, NULL, NULL, NULL, NULL, 1) != 1)
        return db_session_lost(connection, statement->name, error);
    remember(connection, statement);
    return true;
}

bool db_begin(struct db_connection *connection, struct error *error)
{
    assert(!connection->in_transaction);
    if (!db_session_is_open(connection, error))
        return false;
    if (PQenterPipelineMode(connection->link.pg) != 1)
        return db_session_lost(connection, "BEGIN", error);
    connection->in_transaction = true;
    connection->sent_count = connection->taken_count = 0;
    return send_plain(connection, &begin_statement, error);
}

bool db_send(struct db_connection *connection, const struct db_statement *statement,
             const struct db_value *values, struct error *error)
{
    PGconn *pg = connection->link.pg;

    if (!db_session_is_open(connection, error))
        return false;
    assert(connection->in_transaction);
    if (connection->sent_count == DB_SENT_MAX - 1) /* the last one is COMMIT's */
        return error_set(error, FAULT_LIMIT_EXCEEDED, "%d statements in a transaction",
                         DB_SENT_MAX);
    if (!db_parameters_send(&connection->parameters, pg, statement, values, error)) {
        if (PQstatus(pg) == CONNECTION_BAD)
            return db_session_lost(connection, statement->name, error);
        return false;
    }
    remember(connection, statement);
    if (PQflush(pg) < 0)
        return db_session_lost(connection, statement->name, error);
    return true;
}

/* One result and the NULL behind it. */
static bool take_result(struct db_connection *connection, PGresult **ret_result,
                        struct error *error)
{
    int64_t until = db_session_patience(connection);
    PGresult *end = NULL;

    if (!db_session_await(connection, until, ret_result, error))
        return false;
    if (*ret_result == NULL)
        return db_session_lost(connection, "waiting", error);
    if (db_session_await(connection, until, &end, error) && end == NULL)
        return true;
    PQclear(*ret_result);
    PQclear(end);
    return connection->link.pg != NULL ? db_session_lost(connection, "waiting", error) : false;
}

/* The result of the oldest statement not taken yet. */
static bool take_next(struct db_connection *connection, struct arena *arena,
                      struct db_rows *ret_rows, struct error *error)
{
    const struct db_statement *statement = connection->sent[connection->taken_count];
    const struct db_reading reading = {statement, arena, ret_rows};
    PGresult *result = NULL;
    bool fine;

    if (!take_result(connection, &result, error))
        return false;
    connection->taken_count++;
    fine = db_session_read(connection, result, &reading, error);
    /* COMMIT of a transaction that has failed is answered with ROLLBACK. */
    if (fine && statement == &commit_statement && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        fine = error_set(error, FAULT_DATABASE_FAILED, "the transaction was rolled back");
    PQclear(result);
    return fine;
}

bool db_take(struct db_connection *connection, struct arena *arena, struct db_rows *ret_rows,
             struct error *error)
{
    if (!db_session_is_open(connection, error))
        return false;
    assert(connection->in_transaction);
    if (connection->flush_due && PQsendFlushRequest(connection->link.pg) != 1)
        return db_session_lost(connection, "sending", error);
    connection->flush_due = false;
    if (connection->taken_count == 0 && !take_next(connection, NULL, NULL, error))
        return false;
    assert(connection->taken_count < connection->sent_count);
    return take_next(connection, arena, ret_rows, error);
}

static bool take_sync(struct db_connection *connection, struct error *error)
{
    PGresult *result = NULL;
    bool synced;

    if (!db_session_await(connection, db_session_patience(connection), &result, error))
        return false;
    synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
    return synced || db_session_lost(connection, "ending a transaction", error);
}

static bool leave_pipeline(struct db_connection *connection, struct error *error)
{
    connection->in_transaction = false;
    if (PQexitPipelineMode(connection->link.pg) != 1)
        return db_session_lost(connection, "ending a transaction", error);
    return true;
}

/* Takes what is left, keeping the first failure: the later ones only follow from it. */
static bool take_rest(struct db_connection *connection, struct error *error)
{
    bool fine = true;

    while (connection->taken_count < connection->sent_count) {
        struct error *kept = fine ? error : NULL;
        if (!take_next(connection, NULL, NULL, kept))
            fine = false;
        if (connection->link.pg == NULL)
            return false;
    }
    return take_sync(connection, fine ? error : NULL) && fine;
}

bool db_commit_send(struct db_connection *connection, struct error *error)
{
    if (!db_session_is_open(connection, error))
        return false;
    assert(connection->in_transaction);
    if (!send_plain(connection, &commit_statement, error))
        return false;
    if (PQpipelineSync(connection->link.pg) != 1 || PQflush(connection->link.pg) < 0)
        return db_session_lost(connection, "COMMIT", error);
    connection->flush_due = false; /* the sync shows all results */
    return true;
}

bool db_commit_wait(struct db_connection *connection, struct error *error)
{
    if (!db_session_is_open(connection, error))
        return false;
    if (take_rest(connection, error))
        return leave_pipeline(connection, error);
    db_roll_back(connection);
    return false;
}

bool db_commit(struct db_connection *connection, struct error *error)
{
    return db_commit_send(connection, error) && db_commit_wait(connection, error);
}

/* Two syncs: the first ends what a failure made the server skip, the second the ROLLBACK itself. */
static bool send_roll_back(PGconn *pg)
{
    return PQpipelineSync(pg) == 1 &&
           PQsendQueryParams(pg, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 1) == 1 &&
           PQpipelineSync(pg) == 1;
}

void db_roll_back(struct db_connection *connection)
{
    struct db_link *link = &connection->link;
    PGresult *result = NULL;

    if (!connection->in_transaction || link->pg == NULL)
        return;
    if (!send_roll_back(link->pg)) {
        (void)!db_session_lost(connection, "ROLLBACK", NULL);
        return;
    }
    (void)!take_rest(connection, NULL);
    if (link->pg == NULL || !take_result(connection, &result, NULL))
        return;
    PQclear(result);
    if (take_sync(connection, NULL))
        (void)!leave_pipeline(connection, NULL);
}
