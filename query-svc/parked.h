/* A commit that a reader waits for may be parked: then its view has it, and its rows do not. */
#pragma once

#include "lib/db/pipeline.h"
#include "query-svc/views.h"

extern const struct db_statement parked_read;

/* Fills in statement and values. False: the arena is full. */
MUST_CHECK bool parked_bind(struct db_question *question, const struct view_waiter *waiter);
/* The answer to whom waited; NULL: nothing of it is parked. */
const struct problem *parked_problem(const struct db_rows *rows, struct arena *arena);
