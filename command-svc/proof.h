/* Proof that this process still owns a lane, for answers that leave no commit: a refusal is as good
 * as an acceptance only after a record produced behind the decision is acknowledged. Where no
 * commit follows by itself, one barrier serves all who wait. On the shard's thread. */
#pragma once

#include "command-svc/lane.h"

#define PROOF_RETRY_US    2000    /* when the log did not take a barrier */
#define CLOCK_INTERVAL_US 1000000 /* while the host's clock and the append times disagree */

/* Appends a barrier if somebody waits for one and none is on its way: who comes meanwhile gathers
 * for the next. Now and then also while clocks disagree, to hear when they agree again. */
void proof_give_if_due(struct lane *lane, int64_t boot_us);
/* Boot time when proof_give_if_due has something to do; INT64_MAX: not before something else
 * happens. */
int64_t proof_due_us(const struct lane *lane);
