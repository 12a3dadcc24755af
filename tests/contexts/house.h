/* A command-svc of the test contexts in a simulated world: two shards, four partitions, a broker in
 * memory, a clock that the test moves. Restarts keep the log, and the index if wanted. */
#pragma once

#include "command-svc/command.h"
#include "command-svc/config.h"
#include "command-svc/shard.h"
#include "tests/support/sim_broker.h"

#define HOUSE_SHARDS     2
#define HOUSE_PARTITIONS 4
#define SECOND_US        INT64_C(1000000)

struct house {
    struct sim_broker *broker;
    struct log_port *ports[HOUSE_SHARDS];
    struct shard *shards[HOUSE_SHARDS];
    struct command_config config;
    char folder[64];
    int32_t unreachable; /* reactions cannot deliver to this partition; -1: to all */
    int32_t unreachable_too;
};

/* Begins with an empty log and serves. */
void house_open(struct house *house);
void house_close(struct house *house);
/* One process ends, calls under way with it; another one starts. */
void house_stop(struct house *house);
void house_start(struct house *house);
/* While it is stopped: the index is gone. */
void house_forget(struct house *house);

/* Lets time pass, in small steps, and does what there is to do. */
void house_run(struct house *house, int64_t duration_us);

struct house_answer {
    bool accepted;
    char code[40]; /* of a refusal or a fault; empty if it was accepted */
    int64_t version;
};

/* Gives a command as a client does and waits for its answer. */
struct house_answer house_ask(struct house *house, const struct command *command, const char *id,
                              void *input);

/* Valid events of that type in the context's log, of that aggregate (NULL: of any). */
size_t house_events(struct house *house, const char *context, const struct record *record,
                    const char *id);
