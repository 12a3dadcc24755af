/* The seam between membership and a consumer group: what librdkafka (kafka_group.c) and the
 * simulated group of the tests both do. One thread, but for wake. */
#pragma once

#include "lib/core/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum group_event_kind {
    GROUP_ASSIGNED = 1, /* the share of this member from now on: .shares, .count of them */
    GROUP_REVOKED,      /* shares are being dealt anew; ASSIGNED follows */
    GROUP_LOST,         /* the group has given this member up; it joins again by itself */
    GROUP_FENCED,       /* another process bears its name: it is out for good */
};

struct group_share {
    int topic; /* index into the topics joined */
    int32_t partition;
};

struct group_event {
    enum group_event_kind kind;
    const struct group_share *shares; /* borrowed until the next poll */
    size_t count;
};

struct group_port {
    void (*join)(struct group_port *group);
    void (*leave)(struct group_port *group);
    /* False: nothing happened. Polled at least as often as members must be heard of. */
    bool (*poll)(struct group_port *group, struct group_event *ret_event);
    int64_t (*boot_us)(const struct group_port *group);
    void (*wake)(struct group_port *group); /* any thread: the one that polls should do so now */
};
