/* Percent-encoded text of paths and queries, RFC 3986 section 2.1. */
#pragma once

#include "lib/core/arena.h"
#include "lib/web/problem.h"

/* NULL if well done; else what is wrong: a bad escape or bytes that are no UTF-8
 * (malformed_request), or no memory. Without escapes *ret_text borrows from `raw`; otherwise it
 * lies in the arena. */
MUST_CHECK const struct problem *percent_decode(struct text raw, struct arena *arena,
                                                struct text *ret_text);
