/* The one way a command takes: accept, authenticate, validate, route | load, refuse duplicates,
 * decide, append, answer. Left of the bar on an HTTP thread, right of it on a shard's. */
#pragma once

#include "command-svc/call.h"

struct lane;
struct service;

/* A line of the route table: `constant` of a web_route. */
struct endpoint {
    const struct command *command;
    int context; /* its place in contexts */
};

/* web_route.handle of every command. The server's user is the struct service. */
void pipeline_accept(struct web_request *request, const void *endpoint);
/* On the lane's shard thread. *ret_known: the command is in the log or on its way there, and the
 * call has the outcome of the first one. */
MUST_CHECK bool pipeline_recall(struct lane *lane, struct call *call, bool *ret_known,
                                struct error *error);
/* On the lane's shard thread, while its log is served. */
void pipeline_work(struct lane *lane, struct call *call);
