/* Fires the deadlines of a lane when their time has come (docs/REACTIONS.md). */
#pragma once

#include "command-svc/lane.h"

/* Now and then, on the shard's thread: fires some of those that are due, if the lane is served. */
void deadlines_fire(struct lane *lane, int64_t boot_us);
