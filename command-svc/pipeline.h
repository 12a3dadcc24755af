/* The one way a command takes. On an HTTP thread (accept.h): accept, authenticate, validate, name,
 * route; here, on a shard's thread: load, refuse duplicates, decide, append. Calls of other origins
 * begin here. */
#pragma once

#include "command-svc/call.h"

struct lane;

/* On the lane's shard thread. *ret_known: the command is in the log or on its way there, and the
 * call has the outcome of the first one. */
MUST_CHECK bool pipeline_recall(struct lane *lane, struct call *call, bool *ret_known,
                                struct error *error);
/* On the lane's shard thread, while its log is served. */
void pipeline_work(struct lane *lane, struct call *call);
