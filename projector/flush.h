/* Rows and positions of several views in one transaction whose first statement is the fence:
 * exactly once, whoever else is at work, whatever crashes. */
#pragma once

#include "projector/positions.h"

struct flush {
    struct db_connection *connection;
    struct fence fence;
    struct arena *arena;
};

/* Sends all of the transaction, COMMIT included; db_commit_wait says whether it was done. After
 * UNAVAILABLE that is not known: read the positions again. *ret_sent: there was something to write.
 * False: nothing was written. */
MUST_CHECK bool flush_send(const struct flush *flush, bool *ret_sent, struct error *error);
