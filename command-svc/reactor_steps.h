/* The steps of events under way. Private to the reactor; reactor_take is its other end. */
#pragma once

#include "command-svc/reactor_records.h"

#define RETRY_MIN_US 50000 /* before a step is tried again, doubled from time to time */

/* Asks and tells what may go. */
void reactor_run_item(struct runner *runner, struct reaction_item *item, int64_t boot_us);
