/* command-svc's metrics. */
#pragma once

#include "command-svc/call.h"
#include "lib/core/metrics.h"

extern struct metric *const command_metrics[]; /* NULL-terminated */

extern struct metric metric_flush;
extern struct metric metric_overlay;
extern struct metric metric_open_calls;
extern struct metric metric_barriers;
extern struct metric metric_forgotten;
extern struct metric metric_refolded;
extern struct metric metric_clocks_differ;
extern struct metric metric_lanes_serving;
extern struct metric metric_lanes_assigned;
extern struct metric metric_lanes_following;
extern struct metric metric_records_behind;
extern struct metric metric_depositions;
extern struct metric metric_deadlines_fired;
extern struct metric metric_forwarding;
extern struct metric metric_reaction_steps;
extern struct metric metric_reaction_retries;
extern struct metric metric_reaction_parked;
extern struct metric metric_reaction_released;
extern struct metric metric_reactions_open;
extern struct metric metric_command_duration;

/* Counts a call by its outcome, once, when it is answered. */
void metrics_count(const struct call *call);
