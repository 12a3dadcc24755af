/* What commands that look into the database need. */
#pragma once

#include "ctl/command.h"
#include "lib/db/connection.h"

struct database_settings {
    struct secret database;
};
#define DATABASE_SETTING(type)                                                                     \
    {                                                                                              \
        "SIJANG_DATABASE", CONFIG_SECRET, offsetof(type, database), NULL, 1, 1000,                 \
            "libpq connection string."                                                             \
    }

/* A connection for these statements, NULL-terminated. */
MUST_CHECK struct db_connection *database_open(const struct database_settings *settings,
                                               const struct db_statement *const *statements,
                                               struct error *error);
/* A line of JSON. */
void database_print(const struct record *record, const void *row);
/* Seconds, minutes or hours, as a person says it; from the arena, never NULL. */
const char *database_age(int64_t age_ms, struct arena *arena);
