/* How long commands are remembered: a day of partition time, the same for every owner and rebuild;
 * those that must never get another answer, for ever (docs/decisions/0010). On the shard's thread.
 */
#pragma once

#include "command-svc/lane.h"

#define MEMORY_US (INT64_C(24) * 3600 * 1000000)

/* Whether its key may be used again, as if it never was. */
bool memory_is_over(const struct lane *lane, const struct remembered *remembered);
/* Now and then: takes a piece of what is over out of the index. */
void memory_sweep(struct lane *lane, int64_t boot_us);
