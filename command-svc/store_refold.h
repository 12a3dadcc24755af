/* Another revision of an aggregate: a stream's states are folded again from its events in the
 * index when it is next loaded. */
#pragma once

#include "command-svc/store.h"

/* Replaces the root and all parts of the stream that *loaded names, as far as its .version, in one
 * transaction of the index. Nothing of the stream may be staged or unflushed: what is was folded
 * under the present revision. */
MUST_CHECK bool store_refold(const struct store *store, const struct loaded *loaded,
                             struct error *error);
