/* Which lanes this process claims, keeps and gives up, and what it tells the others of them
 * (docs/ARCHITECTURE.md, "Several processes"). The group suggests, claims decide. */
#pragma once

#include "lib/core/id.h"
#include "lib/log/position.h"
#include <stdatomic.h>

struct lane;
struct membership;
struct owners;

/* One for all shards of a process. */
struct ownership {
    struct membership *membership;
    struct owners *owners;
    struct uuid incarnation; /* of this process */
    _Atomic int far;         /* shards that have not read to near their logs' ends yet */
};

/* A lane's share of it. A lane without an ownership belongs to a process that is alone. */
struct tenure {
    struct ownership *ownership;
    int topic;            /* the context's number among the group's topics */
    int64_t known_term;   /* the newest claim when this process began to want the lane */
    int64_t lost_boot_us; /* when a newer claim than that was seen; 0: not */
};

/* On the thread of the lane's shard. */
void ownership_begin(struct lane *lane);
void ownership_look(struct lane *lane, int64_t boot_us);
void ownership_serving(struct lane *lane, const struct log_position *at);
/* Its log cannot be served here any more. */
void ownership_stopped(struct lane *lane);
/* The process stops. */
void ownership_end(const struct lane *lane);
/* Serving or not, a claim would find little to read. */
bool ownership_is_near(const struct lane *lane);

/* Any thread: another process says that it serves this lane. */
bool ownership_is_elsewhere(const struct lane *lane);
/* Any thread: it is known what the others say of what they serve. */
bool ownership_is_known(const struct ownership *ownership);

/* Any thread: a shard that is ready to be dealt partitions, once. The last one joins the group. */
void ownership_shard_is_near(struct ownership *ownership);
