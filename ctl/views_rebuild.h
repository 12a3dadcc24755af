/* What the commands about rebuilding a view have in common: a database, a view, a statement. */
#pragma once

#include "ctl/command.h"
#include "lib/db/connection.h"

/* SIJANG_DATABASE. */
extern const struct config_entry rebuild_settings[];

struct rebuild_call {
    struct arena arena; /* of the rows */
    struct db_connection *connection;
    struct text view; /* the first argument */
    const char *more; /* the second; NULL: none */
    const char *who;  /* for the audit; NULL: the database's user */
    const char *why;
    bool json; /* an object is wanted */
};

#define REBUILD_ARGUMENTS "VIEW [--as NAME] [--reason TEXT]"

enum rebuild_takes {
    REBUILD_TAKES_MORE = 1,  /* a second argument */
    REBUILD_TAKES_NAMES = 2, /* who wants it, and why */
    REBUILD_TAKES_JSON = 4,  /* how it is told */
};

/* Reads `VIEW` and what else it takes; connects, and tells the session who and why. At most four
 * statements. MISUSED, FAILED: an error is set. */
MUST_CHECK enum command_exit rebuild_call_begin(struct rebuild_call *call, int argc, char **argv,
                                                const struct db_statement *const *statements,
                                                unsigned takes, struct error *error);
void rebuild_call_end(struct rebuild_call *call);

/* A statement with the view as its only parameter and `done` as its only column. */
#define REBUILD_FUNCTION(variable, name_, sql_)                                                    \
    static const struct db_statement variable = {                                                  \
        .name = name_,                                                                             \
        .sql = sql_,                                                                               \
        .parameters = (const enum db_type[]){DB_TEXT},                                             \
        .parameter_count = 1,                                                                      \
        .row = &rebuild_done_record,                                                               \
    }
extern const struct record rebuild_done_record;

/* False with an error, too, when it answers no. */
MUST_CHECK bool rebuild_ask(struct rebuild_call *call, const struct db_statement *statement,
                            const struct db_value *values, struct error *error);

/* Runs such a statement and prints `done`. NOT found is FAILED with that text. */
MUST_CHECK enum command_exit rebuild_run(int argc, char **argv,
                                         const struct db_statement *statement, const char *done,
                                         struct error *error);
