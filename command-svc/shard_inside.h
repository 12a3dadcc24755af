/* What a shard is made of. Private to shard.c, which turns it, and shard_open.c, which makes and
 * ends it. */
#pragma once

#include "command-svc/gate.h"
#include "command-svc/history_queue.h"
#include "command-svc/hosting.h"
#include "command-svc/lane.h"
#include "command-svc/reaction_order.h"
#include "command-svc/reactor.h"
#include "command-svc/returns.h"
#include "command-svc/shard.h"
#include <pthread.h>

/* One partition number: its index, and a lane per hosted context. */
struct holding {
    struct index *index;
    struct lane lanes[CONTEXTS_MAX];
    int64_t flush_after_boot_us;
    int64_t flushed_boot_us;
    bool flush_failed; /* the last one */
    bool reads;        /* far from the end of a log: lanes flush as much as memory allows */
};

struct shard {
    const struct command_config *config;
    int number;
    struct log_port *port;
    struct hosting hosting;
    int context_count; /* hosted */
    size_t holding_count;
    size_t flushed;           /* the holding flushed last */
    struct holding *holdings; /* of partitions number, number + shards, … */
    struct log_writer *writer;
    struct arena arena;
    struct buffer payloads;
    struct buffer scratch;
    struct reactor_port reactions;
    struct shard_options options;
    struct returns returns;
    struct ownership *ownership;
    bool near; /* to enough of its logs' ends: it may be dealt partitions */
    struct gate gate;
    int64_t look_boot_us; /* when to look around next */
    _Atomic bool look_now;
    _Atomic size_t open_calls;
    struct history_queue histories;
    pthread_mutex_t mutex; /* of what follows */
    struct call_queue submitted;
    int64_t submitted_boot_us; /* the oldest of them */
    bool closed;
    bool ordered;
    struct reaction_order order;
};
