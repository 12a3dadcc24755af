/* SQLSTATE to fault, in one table (https://www.postgresql.org/docs/15/errcodes-appendix.html). */
#include "lib/db/faults.h"
#include <string.h>

struct sqlstate_entry {
    const char *prefix;
    enum fault fault;
    bool ends_connection;
};

/* The first match counts. */
static const struct sqlstate_entry sqlstates[] = {
    {"08", FAULT_DATABASE_UNAVAILABLE, true},     /* connection exception */
    {"57P", FAULT_DATABASE_UNAVAILABLE, true},    /* terminated, crashed, starting, stopping */
    {"57014", FAULT_DATABASE_UNAVAILABLE, false}, /* statement timeout */
    {"53", FAULT_DATABASE_UNAVAILABLE, false},    /* disk full, out of memory or connections */
    {"40", FAULT_DATABASE_UNAVAILABLE, false},    /* deadlock, serialization */
    {"55P03", FAULT_DATABASE_UNAVAILABLE, false}, /* lock timeout */
    {"58", FAULT_DATABASE_UNAVAILABLE, false},    /* the server's own disk or files */
    {"25006", FAULT_DATABASE_UNAVAILABLE, true},  /* read-only: the primary moved elsewhere */
    {"25P03", FAULT_DATABASE_UNAVAILABLE, true},  /* idle in transaction for too long */
    {"0A000", FAULT_DATABASE_UNAVAILABLE,
     true},                            /* a view was replaced under a prepared statement */
    {"22", FAULT_DATA_CORRUPT, false}, /* data exception */
    {"23", FAULT_DATA_CORRUPT, false}, /* constraint violation */
    {"", FAULT_DATABASE_FAILED, false},
};

static const struct sqlstate_entry *sqlstate_find(const char *sqlstate)
{
    const struct sqlstate_entry *entry = sqlstates;

    while (strncmp(sqlstate, entry->prefix, strlen(entry->prefix)) != 0)
        entry++;
    return entry;
}

/* A failure without SQLSTATE is libpq's own: the connection broke. */
static const char *sqlstate_of(const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return sqlstate != NULL ? sqlstate : "08006";
}

/* Only the primary message: DETAIL quotes the row, which may be personal. */
static bool fail(struct error *error, enum fault fault, const PGresult *result, const char *what)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

    return error_set(error, fault, "%s: %s%s%s (SQLSTATE %s)", what,
                     message != NULL ? message : "the connection broke",
                     constraint != NULL ? ", constraint " : "",
                     constraint != NULL ? constraint : "", sqlstate_of(result));
}

bool db_fail_result(struct error *error, const PGresult *result, const char *what)
{
    return fail(error, sqlstate_find(sqlstate_of(result))->fault, result, what);
}

bool db_fail_setup(struct error *error, const PGresult *result, const char *what)
{
    const char *sqlstate = sqlstate_of(result);
    bool unavailable = sqlstate_find(sqlstate)->fault == FAULT_DATABASE_UNAVAILABLE &&
                       strcmp(sqlstate, "0A000") != 0;

    return fail(error, unavailable ? FAULT_DATABASE_UNAVAILABLE : FAULT_DATABASE_FAILED, result,
                what);
}

bool db_result_ends_connection(const PGresult *result)
{
    return sqlstate_find(sqlstate_of(result))->ends_connection;
}

bool db_fail_connection(struct error *error, const PGconn *pg, const char *what)
{
    const char *message = PQerrorMessage(pg);
    const char *password = PQpass(pg);
    size_t size = strcspn(message, "\n");

    /* libpq does not print it today; a person's log is no place to find out that it does. */
    if (password != NULL && password[0] != '\0' && strstr(message, password) != NULL)
        return error_set(error, FAULT_DATABASE_UNAVAILABLE, "%s: *** (hidden)", what);
    if (size == 0)
        return error_set(error, FAULT_DATABASE_UNAVAILABLE, "%s: the connection broke", what);
    return error_set(error, FAULT_DATABASE_UNAVAILABLE, "%s: %.*s", what, (int)size, message);
}
