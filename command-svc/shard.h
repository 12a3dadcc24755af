/* A shard: one thread that owns a share of the partitions. It is the only one that decides for
 * them, appends to them and writes their index. */
#pragma once

#include "command-svc/call.h"
#include "command-svc/config.h"
#include "lib/core/buffer.h"

struct shard;

/* Opens the indexes of partitions number, number + config->shards, …, begins to follow and claims
 * them. The thread starts at once. */
MUST_CHECK struct shard *shard_start(const struct command_config *config, int number,
                                     struct error *error);
/* Takes no more calls, waits up to timeout_ms for those under way, ends the rest truthfully, stops
 * the thread. HTTP threads may still try to submit: destroy only after web_server_stop. NULL
 * accepted. */
void shard_stop(struct shard *shard, int timeout_ms);
/* Closes the indexes. Stopped before; NULL accepted, returns NULL. */
struct shard *shard_destroy(struct shard *shard);

/* Any thread. False: too many are under way (or it is stopping); the call is still the caller's. */
MUST_CHECK bool shard_submit(struct shard *shard, struct call *call, int32_t partition,
                             int context);

/* Any thread: how its lanes stand, added to *status. */
struct shard_status {
    int64_t lanes, serving, stopped;
    int64_t behind; /* records not read yet */
};
void shard_add_status(struct shard *shard, struct shard_status *status);
