/* What Postgres and libpq complain about, as faults: one table of SQLSTATEs. */
#pragma once

#include "lib/core/error.h"
#include <libpq-fe.h>

/* All three return false. `what` names the statement or the step. */
bool db_fail_result(struct error *error, const PGresult *result, const char *what);
bool db_fail_connection(struct error *error, const PGconn *pg, const char *what); /* UNAVAILABLE */
/* The same for a step of setting up: what is not UNAVAILABLE is FAILED. */
bool db_fail_setup(struct error *error, const PGresult *result, const char *what);

/* After this result nothing more can be asked on the connection it came from. */
bool db_result_ends_connection(const PGresult *result);
