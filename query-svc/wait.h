/* What a reader wants to see before it is answered: `Sijang-Wait-For: context/partition@offset~log,
 * …`, `Prefer: max-stale=N` (everything appended until N seconds ago) and `Prefer: wait=N` (RFC
 * 7240; seconds, decimals allowed, at most 30, 1 if not said). */
#pragma once

#include "lib/log/position.h"
#include "lib/web/problem.h"
#include "lib/web/server.h"

#define WAIT_MARKS_MAX 256

struct wait {
    const struct log_mark *marks; /* from the arena */
    size_t count;
    int64_t age_us_max; /* negative: any */
    int64_t patience_us;
};

/* NULL, or why not: malformed (or the arena is full). Reads headers: on the HTTP thread. */
MUST_CHECK const struct problem *wait_read(struct web_request *request, struct wait *ret_wait);
