/* From HTTP to the shard: accept, authenticate, validate, name, route, suspend. On an HTTP thread;
 * the rest of the way is pipeline.h. */
#pragma once

#include "command-svc/call.h"
#include "lib/web/server.h"

/* A line of the route table: `constant` of a web_route. */
struct endpoint {
    const struct command *command;
    int context; /* its place in contexts */
};

/* web_route.handle of every command. The server's user is the struct service. */
void accept_command(struct web_request *request, const void *endpoint);
/* forward_options.keep: a call that was not this process's, and is by now. */
void accept_again(void *service, struct call *call);
