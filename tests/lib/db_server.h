/* The Postgres that tests run against. */
#pragma once

#include "lib/db/connection.h"

#define TEST_SKIPPED 77

/* NULL when SIJANG_TEST_DATABASE is not set; says so on stderr. */
const char *db_server_conninfo(void);
/* Runs a script on a connection of its own; fails the test if it cannot. */
void db_server_script(const char *sql);
/* What pg_stat_activity shows under this application name is terminated; returns how many. */
int64_t db_server_terminate(const char *application_name);
