/* The history of a stream: its events out of the index, newest ones included. Made by its origin
 * (an HTTP thread), looked up by the shard thread of its partition, given back to its origin.
 * Whoever has it, has it alone. Another question to the index is one with a look_up of its own. */
#pragma once

#include "command-svc/command.h"
#include "lib/core/arena.h"
#include "lib/core/error.h"
#include "lib/log/envelope.h"
#include "lib/log/position.h"
#include "lib/web/auth.h"
#include "lib/web/problem.h"

#define HISTORY_LIMIT_INITIAL  20
#define HISTORY_LIMIT_MAX      100
#define HISTORY_WAIT_MARKS_MAX 64
#define HISTORY_BYTES_MAX      (64 * 1024) /* of a page's payloads; one event is always shown */

struct lane;

struct history_event {
    struct log_event event;
    int64_t commit_offset;
};

struct history {
    struct arena *arena;      /* lives as long as the history, as do its texts */
    struct text request_id;   /* for logs */
    int64_t deadline_boot_us; /* by the clock of the log's port */
    void *origin;
    /* On the lane's shard thread. False: what is asked for has not been read yet, try again later;
     * otherwise problem, fault or the answer are set. */
    bool (*look_up)(struct lane *lane, struct history *history);
    /* On the shard's thread, once: the history is the origin's again. */
    void (*finish)(struct history *history);

    const struct context *context;
    int context_number; /* its place in contexts */
    void *subject;      /* of another look_up; it needs nothing of what follows but .partition */
    const struct aggregate *aggregate;
    struct text id;
    int32_t partition;
    struct caller caller;
    int64_t from_version;
    int64_t limit;
    int64_t as_of_time_us;           /* INT64_MAX: no such bound */
    struct log_mark as_of;           /* offset NONE: no such bound */
    const struct log_mark *wait_for; /* of this partition; read up to them before it is looked up */
    size_t wait_count;

    const struct problem *problem; /* NULL: none */
    enum fault fault;
    int64_t version; /* the last one within the bounds */
    struct history_event *events;
    size_t event_count;
    struct log_mark mark; /* how far this index has read */

    struct lane *lane;
    struct history *next;
};

/* For .look_up. */
bool history_look_up(struct lane *lane, struct history *history);
