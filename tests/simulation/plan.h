/* What kind of world a seed gives: a few things go wrong often, others never, so that worlds
 * differ. */
#pragma once

#include "tests/simulation/chance.h"

#define PROCESSES_MAX 3

enum mishap {
    MISHAP_CRASH, /* kill -9; comes back */
    MISHAP_STALL, /* SIGSTOP, for any time */
    MISHAP_DISK_FULL,
    MISHAP_PRODUCER_LOST, /* what it had under way may still come */
    MISHAP_CUT,           /* it reads nothing, or reaches nothing, for a while */
    MISHAP_LOST_RECORD,   /* of a record under way: SIM_LOST and the like */
    MISHAP_FOREIGN,       /* junk, copies of old records, holes */
    MISHAP_LEADER_GONE,   /* fail-over, with another clock */
    MISHAP_PAUSE,         /* nothing happens for a while but time */
    MISHAP_COUNT,
};

struct plan {
    int processes;
    bool grouped; /* they share the partitions as a group suggests; or each believes to be alone */
    int32_t partitions;
    int clients;
    int products;
    int steps;
    int64_t step_us_max;
    int64_t deadline_us; /* of calls */
    int64_t calls_max;
    int64_t overlay_bytes_max;
    unsigned per_10000[MISHAP_COUNT]; /* of steps; of records for LOST_RECORD */
};

void plan_draw(struct plan *plan, struct chance *chance);
