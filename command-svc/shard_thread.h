/* The thread around a shard, and its connection to Kafka. */
#pragma once

#include "command-svc/shard.h"
#include <pthread.h>
#include <stdatomic.h>

struct shard_thread {
    struct shard *shard; /* NULL: not started */
    struct log_port *port;
    pthread_t thread;
    bool runs;
    _Atomic bool stopping;
    int64_t stop_by_boot_us;
};

/* False: nothing was started, *thread is zero. options->port is made here. */
MUST_CHECK bool shard_thread_start(struct shard_thread *thread, const struct shard_options *options,
                                   struct error *error);
/* Takes no more calls, waits up to timeout_ms for those under way, ends the rest truthfully, stops
 * the thread. HTTP threads may still try to submit: done only after web_server_stop. Nothing if it
 * was not started. */
void shard_thread_stop(struct shard_thread *thread, int timeout_ms);
/* Closes shard and connection. Stopped before; nothing if it was not started. */
void shard_thread_done(struct shard_thread *thread);
