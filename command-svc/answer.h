/* From the shard back to HTTP. */
#pragma once

#include "lib/web/problem.h"
#include "lib/web/server.h"

/* On the request's HTTP thread: writes the answer the outcome asks for. `state` is the call. */
void call_answer(struct web_request *request, void *state);
/* What only a process that hosts the context can answer. */
extern const struct problem problem_context_not_hosted;
