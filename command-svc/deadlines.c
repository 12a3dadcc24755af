/* Deadlines that are due become calls of the service itself. */
#include "command-svc/deadlines.h"

#include "command-svc/errand.h"
#include "command-svc/metrics.h"
#include "command-svc/reaction.h"
#include "command-svc/store_deadlines.h"
#include "lib/core/logger.h"

#define FIRED_A_LOOK   64
#define VISITED_A_LOOK 4096
#define PATIENCE_US    10000000
#define RETRY_US       1000000

struct firing {
    struct lane *lane;
    int64_t boot_us;
    struct call_queue calls;
};

/* What did not happen is still in the index, to be fired again. */
static void finish(struct call *call)
{
    struct errand *errand = call->origin;

    if (call->outcome == CALL_FAULTED)
        call->lane->deadlines_boot_us = call->deadline_boot_us - PATIENCE_US + RETRY_US;
    errand_destroy(errand);
}

static bool prepare(void *self, const struct due_deadline *due)
{
    struct firing *firing = self;
    struct errand_order order = {
        .command = due->deadline->command,
        .caller = "deadline",
        .aggregate_id = due->id,
        .command_id = deadline_command_id(&due->setting.event_id, due->deadline->name),
        .causation_id = due->setting.event_id,
        .correlation_id = due->setting.correlation_id,
        .deadline_boot_us = firing->boot_us + PATIENCE_US,
    };
    struct errand *errand = errand_create(&order, NULL);

    if (errand == NULL)
        return false;
    errand->call.deadline = due->deadline;
    errand->call.finish = finish;
    call_push(&firing->calls, &errand->call);
    return firing->calls.count < FIRED_A_LOOK;
}

void deadlines_fire(struct lane *lane, int64_t boot_us)
{
    struct firing firing = {.lane = lane, .boot_us = boot_us};
    struct due_visit visit = {
        .self = &firing,
        .visit = prepare,
        .until_us = log_partition_now_us(lane->log),
        .count_max = VISITED_A_LOOK,
    };
    struct error error;
    struct call *call;

    if (log_partition_state(lane->log) != LOG_SERVING || boot_us < lane->deadlines_boot_us ||
        !log_partition_clock_agrees(lane->log))
        return;
    if (!deadlines_visit(&lane->store, &visit, &error)) {
        log_error("deadlines_not_read", LOG_ERROR(&error));
        lane->deadlines_boot_us = boot_us + RETRY_US;
    }
    while ((call = call_pop(&firing.calls)) != NULL) {
        metric_add(&metric_deadlines_fired, 1);
        atomic_fetch_add(lane->open_calls, 1);
        call->lane = lane;
        lane_take(lane, call);
    }
}
