/* The lane's own figures decide: how many wait, how long the oldest has, whether anything moves. */
#include "command-svc/gate.h"

#define UNREACHABLE_US 500000 /* a connection that is made anew is no outage */

static bool waits_longer(const struct call_queue *queue, int64_t boot_us, int64_t limit_us)
{
    return queue->first != NULL && boot_us - queue->first->taken_boot_us > limit_us;
}

/* Nothing is acknowledged, although something is on its way. */
static bool is_stuck(const struct lane *lane, int64_t boot_us, int64_t limit_us)
{
    return lane->appended > lane->acknowledged && boot_us - lane->moved_boot_us > limit_us;
}

enum fault gate_check(const struct gate *gate, const struct lane *lane, int64_t boot_us)
{
    int64_t limit_us = gate->latency_us_max;

    if (boot_us - gate->reached_boot_us > UNREACHABLE_US)
        return FAULT_LOG_UNAVAILABLE;
    if (lane->pending.count + lane->waiting.count + lane->unsettled.count >= gate->lane_calls_max)
        return FAULT_OVERLOADED;
    if (waits_longer(&lane->pending, boot_us, limit_us) ||
        waits_longer(&lane->unsettled, boot_us, limit_us))
        return FAULT_NOT_READY;
    if (waits_longer(&lane->waiting, boot_us, limit_us) || is_stuck(lane, boot_us, limit_us))
        return FAULT_OVERLOADED;
    return FAULT_NONE;
}
