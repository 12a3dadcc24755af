/* A shard: a share of the partitions, their index, and the calls under way on them. One thread
 * turns it and is the only one that decides for these partitions, appends to them and writes their
 * index; functions are that thread's unless they say otherwise. */
#pragma once

#include "command-svc/call.h"
#include "command-svc/config.h"
#include "lib/core/buffer.h"

struct shard;
struct history;
struct hosting;
struct ownership;
struct readiness;
struct log_port;
struct reaction_mirror;
struct reaction_order;

struct shard_options {
    const struct command_config *config; /* borrowed */
    int number;                          /* 0 … config->shards - 1 */
    struct log_port *port;               /* borrowed; the clock, too: everything timed goes by it */
    struct uuid incarnation;             /* of this process */
    /* Any thread: hands a call to whoever owns the partition; false: not now, it is still the
     * caller's. NULL: reactions reach this shard's own partitions only. */
    bool (*deliver)(void *self, struct call *call, int32_t partition, int context);
    void *deliver_self;
    struct ownership *ownership; /* borrowed; NULL: the process is alone, and claims everything */
    struct reaction_mirror *mirror; /* borrowed; NULL: marks are not shown */
    const struct hosting *hosting;  /* copied; NULL: all contexts */
};

/* Opens the indexes of partitions number, number + config->shards, …, begins to follow, and
 * claims what is this process's. */
MUST_CHECK struct shard *shard_open(const struct shard_options *options, struct error *error);
/* Closes the indexes. Abandoned before; NULL accepted, returns NULL. */
struct shard *shard_close(struct shard *shard);

/* Does what there is to do, without waiting. Returns how many calls, reports and messages there
 * were. */
size_t shard_turn(struct shard *shard);
/* Sleeps until there is something for shard_turn. */
void shard_wait(struct shard *shard);
void shard_wake(struct shard *shard); /* any thread */

/* Any thread. False: too many are under way (or it refuses); the call is still the caller's. The
 * context is hosted, here and in what follows. */
MUST_CHECK bool shard_submit(struct shard *shard, struct call *call, int32_t partition,
                             int context);
/* Any thread: the same for reading a stream. Its lane need not be served here. */
MUST_CHECK bool shard_look_up(struct shard *shard, struct history *history, int32_t partition,
                              int context);
/* Any thread: calls and histories submitted and not finished yet. */
size_t shard_open_calls(const struct shard *shard);
/* Any thread: in its next turn, for the partitions it serves then. False: it has not taken the one
 * before yet. */
MUST_CHECK bool shard_order(struct shard *shard, const struct reaction_order *order);
/* Any thread: it takes no more of either. */
void shard_refuse(struct shard *shard);
/* Ends all of them truthfully. */
void shard_abandon(struct shard *shard);

/* Any thread: what is known of assignments and owners changed. */
void shard_look(struct shard *shard);

/* Any thread: how its lanes stand. */
void shard_add_readiness(const struct shard *shard, struct readiness *readiness);
