/* Everything here has connections of its own, apart from those under test. */
#include "tests/lib/db_server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const enum db_type one_text[] = {DB_TEXT};

struct count_row {
    int64_t count;
};

static const struct field count_fields[] = {{FIELD_AT(count_row, count), .kind = FIELD_INTEGER}};
static const struct record count_record = {
    .name = "CountRow", .size = sizeof(struct count_row), .fields = count_fields, .field_count = 1};

static const struct db_statement terminate_backends = {
    .name = "terminate_backends",
    .sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
           " WHERE application_name = $1",
    .parameters = one_text,
    .parameter_count = 1,
    .row = &count_record,
};

const char *db_server_conninfo(void)
{
    const char *conninfo = getenv("SIJANG_TEST_DATABASE");

    if (conninfo == NULL)
        fputs("skipped: SIJANG_TEST_DATABASE is not set\n", stderr);
    return conninfo;
}

static struct db_connection *connect_plainly(const struct db_statement *const *statements)
{
    struct error error = {0};
    struct db_options options = {.conninfo = db_server_conninfo(),
                                 .application_name = "sijang-test-server",
                                 .timeout_ms = 10000,
                                 .statements = statements};
    struct db_connection *connection = db_connect(&options, &error);

    if (connection == NULL)
        fail_msg("%s", error.detail);
    return connection;
}

void db_server_script(const char *sql)
{
    struct error error = {0};
    struct db_connection *connection = connect_plainly(NULL);

    if (!db_run_script(connection, sql, &error))
        fail_msg("%s", error.detail);
    db_close(connection);
}

int64_t db_server_terminate(const char *application_name)
{
    static const struct db_statement *const statements[] = {&terminate_backends, NULL};
    struct db_connection *connection = connect_plainly(statements);
    struct db_value value = db_text(text_of(application_name));
    struct arena arena;
    struct db_rows rows;
    struct error error = {0};
    int64_t count;

    arena_init(&arena, 4096);
    if (!db_run(connection, &terminate_backends, &value, &arena, &rows, &error))
        fail_msg("%s", error.detail);
    count = ((const struct count_row *)rows.items)->count;
    arena_done(&arena);
    db_close(connection);
    return count;
}
