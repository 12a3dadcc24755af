/* A process of the real command side: a shard, an index in a folder, and a port into the simulated
 * broker. */
#pragma once

#include "command-svc/shard.h"
#include "tests/simulation/neighbours.h"

struct world;

#define PROCESS_PATH_SIZE 256

struct process {
    struct world *world;
    int number;
    struct command_config config;
    char path[PROCESS_PATH_SIZE]; /* of its index */
    int starts;
    struct log_port *port; /* NULL: it is down */
    struct shard *shard;
    struct neighbours neighbours;
    int64_t restart_us; /* when it is down */
    int64_t stalled_until_us;
    int64_t disk_full_until_us;
    int64_t mute_until_us; /* nothing it produces reaches the broker */
    int64_t deaf_until_us; /* nothing new reaches it */
};

enum process_index { PROCESS_INDEX_KEPT, PROCESS_INDEX_OLD, PROCESS_INDEX_GONE };

void process_init(struct process *process, struct world *world, int number);
void process_start(struct process *process);
/* As by kill -9: its calls are never answered, what it has under way may still arrive. */
void process_kill(struct process *process);
/* While it is down: what it finds at its next start. */
void process_lose_index(struct process *process, enum process_index left);
/* Flushes and closes: as by SIGTERM. */
void process_stop(struct process *process);
void process_turn(struct process *process);
bool process_is_up(const struct process *process);
struct uuid process_incarnation(const struct process *process);
/* The others shall come for what it serves. */
void process_leave(struct process *process);
