/* A world of one seed: a broker, a few processes of the real command side, clients that call them,
 * and what goes wrong. One thread; every step is drawn from the seed. */
#pragma once

#include "command-svc/contexts.h"
#include "lib/core/check.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/process.h"
#include "tests/support/sim_broker.h"

#define GHOSTS_MAX 64
#define TOPIC_SIZE 64

struct census;
struct crowd;

struct world {
    uint64_t seed;
    bool verbose;
    const char *folder; /* for indexes */
    struct chance chance;
    struct plan plan;
    struct sim_broker *broker;
    struct sim_group *group;
    char topics[CONTEXTS_MAX][TOPIC_SIZE]; /* by context */
    int context_count;
    struct process processes[PROCESSES_MAX];
    struct log_port *ghosts[GHOSTS_MAX]; /* what dead processes had under way */
    int ghost_count;
    int64_t broker_down_until_us;
    int64_t leader_well_until_us;   /* it does not fall behind before */
    int64_t leader_behind_until_us; /* it shows less of the logs than there is; 0: all */
    struct crowd *crowd;
    struct census *census;
};

/* What happened, added up over worlds. */
struct census {
    uint64_t attempts, done, refused, faulted, unknown, misplaced, lost;
    uint64_t commits, voids, kills;
};

/* Lives one seed from beginning to end, and checks it. Ends the program on a violation. */
void world_live(uint64_t seed, const char *folder, struct census *census, bool verbose);

int64_t world_now_us(const struct world *world);
/* A line of the trace, if it is wanted. */
void world_say(const struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);
/* What must never be: prints the seed and why, and ends the program. */
_Noreturn void world_fail(const struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);
