/* What a reader wants to see before it is answered: `Sijang-Wait-For: context/partition@offset~log,
 * …` and `Prefer: wait=N` (RFC 7240; seconds, decimals allowed, at most 30, 1 if not said). */
#pragma once

#include "lib/log/position.h"
#include "lib/web/server.h"

#define WAIT_MARKS_MAX 256

struct wait {
    const struct log_mark *marks; /* from the arena */
    size_t count;
    int64_t patience_us;
};

/* False: malformed (or the arena is full). Reads headers: on the HTTP thread. */
MUST_CHECK bool wait_read(struct web_request *request, struct wait *ret_wait);
