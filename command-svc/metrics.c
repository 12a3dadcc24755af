/* command-svc's metrics, one line each. */
#include "command-svc/metrics.h"

#define COMMANDS_HELP "Commands answered, by outcome."

static struct metric commands_done = {
    .name = "sijang_commands_total", .help = COMMANDS_HELP, .labels = "outcome=\"done\""};
static struct metric commands_refused = {
    .name = "sijang_commands_total", .help = COMMANDS_HELP, .labels = "outcome=\"refused\""};
static struct metric commands_faulted = {
    .name = "sijang_commands_total", .help = COMMANDS_HELP, .labels = "outcome=\"faulted\""};
static struct metric commands_forwarded = {
    .name = "sijang_commands_total", .help = COMMANDS_HELP, .labels = "outcome=\"forwarded\""};
struct metric metric_forwarding = {
    .name = "sijang_commands_forwarding",
    .help = "Commands waiting for another process, or for one to be known.",
    .kind = METRIC_GAUGE,
};
struct metric metric_command_duration = {
    .name = "sijang_http_request_duration_seconds",
    .help = "From the whole request to the answer.",
    .kind = METRIC_HISTOGRAM,
};
struct metric metric_flush = {
    .name = "sijang_index_flush_duration_seconds",
    .help = "Writing acknowledged commits to the index.",
    .kind = METRIC_HISTOGRAM,
};
struct metric metric_overlay = {
    .name = "sijang_index_overlay_bytes",
    .help = "Newer than the index on disk.",
    .kind = METRIC_GAUGE,
};
struct metric metric_open_calls = {
    .name = "sijang_commands_open",
    .help = "Commands not answered yet.",
    .kind = METRIC_GAUGE,
};
struct metric metric_clocks_differ = {
    .name = "sijang_partitions_clock_differs",
    .help = "Partitions whose append times and this host's clock are more than 5 s apart.",
    .kind = METRIC_GAUGE,
};
struct metric metric_forgotten = {
    .name = "sijang_commands_forgotten_total",
    .help = "Remembered commands taken out of the index after a day.",
};
struct metric metric_refolded = {
    .name = "sijang_streams_refolded_total",
    .help = "Streams folded again because their aggregate has another revision.",
};
struct metric metric_barriers = {
    .name = "sijang_barriers_total",
    .help = "Records appended only to prove ownership, for answers that leave no event.",
};
struct metric metric_lanes_serving = {
    .name = "sijang_partitions_serving",
    .help = "Partitions, over all contexts, that take commands here.",
    .kind = METRIC_GAUGE,
};
struct metric metric_deadlines_fired = {
    .name = "sijang_deadlines_fired_total",
    .help = "Deadlines whose command was given.",
};
struct metric metric_reaction_steps = {
    .name = "sijang_reaction_steps_total",
    .help = "Commands given by reactions, outcomes to their senders included.",
};
struct metric metric_reaction_retries = {
    .name = "sijang_reaction_retries_total",
    .help = "Steps of reactions that are asked again, because their target was unavailable.",
};
struct metric metric_reaction_parked = {
    .name = "sijang_reaction_parked_total",
    .help = "Events that a reaction cannot go on with.",
};
struct metric metric_reaction_released = {
    .name = "sijang_reaction_released_total",
    .help = "Parked events that went through or were given up by an operator's order.",
};
struct metric metric_reactions_open = {
    .name = "sijang_reactions_open",
    .help = "Events on their way through reactions.",
    .kind = METRIC_GAUGE,
};

struct metric metric_lanes_assigned = {
    .name = "sijang_partitions_assigned",
    .help = "Partitions, over all contexts, that the group says this process should own.",
    .kind = METRIC_GAUGE,
};
struct metric metric_lanes_following = {
    .name = "sijang_partitions_following",
    .help = "Partitions, over all contexts, read from the log as a standby.",
    .kind = METRIC_GAUGE,
};
struct metric metric_records_behind = {
    .name = "sijang_records_behind",
    .help = "Records of followed partitions not read yet.",
    .kind = METRIC_GAUGE,
};
struct metric metric_depositions = {
    .name = "sijang_partitions_deposed_total",
    .help = "Times a partition was served and was not any more.",
};

struct metric *const command_metrics[] = {
    &commands_forwarded,
    &commands_done,
    &commands_refused,
    &commands_faulted,
    &metric_command_duration,
    &metric_flush,
    &metric_overlay,
    &metric_open_calls,
    &metric_forwarding,
    &metric_lanes_serving,
    &metric_lanes_assigned,
    &metric_lanes_following,
    &metric_records_behind,
    &metric_depositions,
    &metric_deadlines_fired,
    &metric_reaction_steps,
    &metric_reaction_retries,
    &metric_reaction_parked,
    &metric_reaction_released,
    &metric_reactions_open,
    &metric_barriers,
    &metric_forgotten,
    &metric_refolded,
    &metric_clocks_differ,
    NULL,
};

void metrics_count(const struct call *call)
{
    switch (call->outcome) {
    case CALL_DONE: metric_add(&commands_done, 1); break;
    case CALL_REFUSED: metric_add(&commands_refused, 1); break;
    case CALL_FAULTED: metric_add(&commands_faulted, 1); break;
    case CALL_RELAYED: metric_add(&commands_forwarded, 1); break;
    case CALL_MISPLACED: break; /* counted where it is answered */
    case CALL_OPEN: break;
    }
}
