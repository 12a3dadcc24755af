/* Rebuilding views beside the live ones (docs/OPERATIONS.md). The table projector.rebuild says what
 * is wanted and how far it is; sijangctl writes it, this thread works it off: replay, index,
 * follow. Of several projectors the one that has the database's lock does it. */
#pragma once

#include "projector/config.h"
#include "projector/projection.h"

struct rebuilds;

/* Both must outlive it; `live` are looked at, so that a rebuild gives way to them. */
MUST_CHECK struct rebuilds *rebuilds_start(const struct projector_config *config,
                                           struct projection *const *live, size_t live_count,
                                           struct error *error);
struct rebuilds *rebuilds_stop(struct rebuilds *rebuilds); /* NULL accepted */
