/* Whether a lane takes another call: calls are turned away while it would cost them little, before
 * queues and waiting grow. On the shard's thread. */
#pragma once

#include "command-svc/lane.h"

/* One for all lanes of a shard. */
struct gate {
    size_t lane_calls_max;   /* of one lane: a hot partition cannot take all places of the shard */
    int64_t latency_us_max;  /* once the oldest call waits longer, new ones are refused */
    int64_t reached_boot_us; /* when Kafka was last known to be reachable */
};

/* NONE: let it in. Else why not: OVERLOADED, NOT_READY, LOG_UNAVAILABLE. */
enum fault gate_check(const struct gate *gate, const struct lane *lane, int64_t boot_us);
