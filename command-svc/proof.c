/* Barriers, as few as will do. */
#include "command-svc/proof.h"

#include "command-svc/metrics.h"
#include "lib/log/platform.h"

static bool is_wanted(const struct lane *lane)
{
    const struct call *last = lane->waiting.last;

    return last != NULL && last->token > lane->appended &&
           lane->barrier_token <= lane->acknowledged &&
           log_partition_state(lane->log) == LOG_SERVING;
}

static bool asks_for_time(const struct lane *lane)
{
    return !log_partition_clock_agrees(lane->log) && lane->appended == lane->acknowledged &&
           log_partition_state(lane->log) == LOG_SERVING;
}

int64_t proof_due_us(const struct lane *lane)
{
    if (is_wanted(lane))
        return lane->barrier_due_us;
    return asks_for_time(lane) ? lane->barrier_boot_us + CLOCK_INTERVAL_US : INT64_MAX;
}

void proof_give_if_due(struct lane *lane, int64_t boot_us)
{
    static const struct platform_entry barrier = {.kind = PLATFORM_BARRIER};
    struct error error;

    if (proof_due_us(lane) > boot_us)
        return;
    lane->barrier_boot_us = boot_us;
    lane->barrier_due_us = boot_us + PROOF_RETRY_US;
    if (!log_partition_append_platform(lane->log, &barrier, lane->appended + 1, &error))
        return; /* too much is under way: tried again a little later */
    index_seal(lane->store.index);
    lane->barrier_due_us = 0;
    lane->barrier_token = ++lane->appended;
    metric_add(&metric_barriers, 1);
}
