/* Rows and positions in one transaction whose first statement is the fence: exactly once, whoever
 * else is at work, whatever crashes. */
#pragma once

#include "projector/fold.h"

enum flush_outcome {
    FLUSH_DONE,
    FLUSH_FENCED, /* another projector has written: nothing was, what is cached is out of date */
    FLUSH_FAILED, /* see the error. DATA_CORRUPT: a row was refused, nothing was written */
};

/* Writes the folded rows and the sources' targets. After UNAVAILABLE it is not known whether it was
 * done: read the positions again. Nothing to write is DONE. */
MUST_CHECK enum flush_outcome flush_write(const struct fold *fold, const struct sources *sources,
                                          struct db_connection *connection, struct error *error);
