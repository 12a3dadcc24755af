/* GET /v1/streams/{context}/{type}/{id}, from HTTP to the shard and back. */
#pragma once

#include "lib/web/server.h"

/* The server's user is the struct service. */
extern const struct web_route history_routes[];
/* On the HTTP thread. `state` is the history. */
void history_answer(struct web_request *request, void *state);
