/* The binary format of COPY
 * (https://www.postgresql.org/docs/15/sql-copy.html, "Binary Format"). */
#include "lib/db/copy.h"

#include "lib/db/faults.h"
#include "lib/db/session.h"
#include <assert.h>
#include <endian.h>
#include <string.h>

#define CHUNK_BYTES     ((size_t)64 * 1024)
#define CHUNK_BYTES_MAX ((size_t)64 * 1024 * 1024)

static const struct db_statement copy_statement = {.name = "COPY"};

static bool command(struct db_connection *connection, const char *sql, struct error *error)
{
    const struct db_reading reading = {.statement = &copy_statement};

    if (PQsendQuery(connection->link.pg, sql) != 1)
        return db_session_lost(connection, sql, error);
    return db_session_finish(connection, &reading, error);
}

static void put_header(struct buffer *out)
{
    static const char header[19] = "PGCOPY\n\377\r\n"; /* flags and extension are zero */

    buffer_put(out, header, sizeof header);
}

static void put_count(struct buffer *out, int count)
{
    uint16_t wire = htobe16((uint16_t)count);

    buffer_put(out, &wire, sizeof wire);
}

static bool put_row(struct buffer *out, const struct db_copying *copying, const void *row,
                    struct error *error)
{
    const struct record *record = copying->record;

    put_count(out, (int)record->field_count);
    for (size_t i = 0; i < record->field_count; i++)
        if (!db_put_field(out, db_type_find(copying->types[i])->element, &record->fields[i], row))
            return error_set(error, FAULT_DATA_CORRUPT, "column %s: the value does not fit",
                             record->fields[i].name);
    return !out->failed || error_set(error, FAULT_OUT_OF_MEMORY, "copying rows");
}

static bool send_chunk(struct db_connection *connection, struct buffer *chunk, struct error *error)
{
    PGconn *pg = connection->link.pg;

    if (PQputCopyData(pg, (const char *)chunk->bytes, (int)chunk->size) != 1)
        return db_session_lost(connection, "COPY", error);
    buffer_clear(chunk);
    return true;
}

static bool send_rows(struct db_connection *connection, const struct db_copying *copying,
                      int64_t *ret_rows, struct error *error)
{
    struct buffer CLEANUP(buffer_done) chunk;
    const void *row;

    buffer_init(&chunk, CHUNK_BYTES_MAX);
    put_header(&chunk);
    for (*ret_rows = 0; (row = copying->next(copying->self)) != NULL; ++*ret_rows) {
        if (!put_row(&chunk, copying, row, error))
            return false;
        if (chunk.size >= CHUNK_BYTES && !send_chunk(connection, &chunk, error))
            return false;
    }
    put_count(&chunk, -1);
    return send_chunk(connection, &chunk, error);
}

/* The server takes rows; whatever happens, it is told that there are no more. */
static bool copy_in(struct db_connection *connection, const struct db_copying *copying,
                    int64_t *ret_rows, struct error *error)
{
    const struct db_reading reading = {.statement = &copy_statement};
    PGconn *pg = connection->link.pg;
    PGresult *result = NULL;

    if (PQsendQuery(pg, copying->sql) != 1)
        return db_session_lost(connection, "COPY", error);
    if (!db_session_await(connection, INT64_MAX, &result, error))
        return false;
    bool begun = PQresultStatus(result) == PGRES_COPY_IN;
    if (!begun)
        db_fail_result(error, result, "COPY");
    PQclear(result);
    if (!begun) {
        (void)!db_session_finish(connection, &reading, NULL);
        return false;
    }
    (void)PQsetnonblocking(pg, 0);
    bool sent = send_rows(connection, copying, ret_rows, error);
    if (connection->link.pg == NULL)
        return false;
    if (PQputCopyEnd(pg, sent ? NULL : "given up") != 1)
        return db_session_lost(connection, "COPY", error);
    (void)PQsetnonblocking(pg, 1);
    return db_session_finish(connection, &reading, sent ? error : NULL) && sent;
}

static bool say_what_they_are(struct db_connection *connection, const struct db_copying *copying,
                              struct error *error)
{
    const struct db_reading reading = {.statement = copying->statement};

    if (!db_parameters_send(&connection->parameters, connection->link.pg, copying->statement,
                            copying->values, error))
        return false;
    return db_session_finish(connection, &reading, error);
}

bool db_copy(struct db_connection *connection, const struct db_copying *copying, int64_t *ret_rows,
             struct error *error)
{
    assert(!connection->in_transaction);
    if (!db_session_is_open(connection, error) || !command(connection, "BEGIN", error))
        return false;
    if (copy_in(connection, copying, ret_rows, error) &&
        say_what_they_are(connection, copying, error) && command(connection, "COMMIT", error))
        return true;
    if (connection->link.pg != NULL)
        (void)!command(connection, "ROLLBACK", NULL);
    return false;
}
