/* A command on its way through the pipeline: made by its origin (an HTTP thread, or the shard
 * itself), worked on by one shard thread, given back to its origin. Whoever has it, has it alone.
 */
#pragma once

#include "command-svc/command.h"
#include "lib/core/arena.h"
#include "lib/core/error.h"
#include "lib/core/id.h"
#include "lib/core/trace.h"
#include "lib/log/envelope.h"
#include "lib/log/position.h"
#include "lib/web/auth.h"
#include "lib/web/problem.h"

enum call_outcome {
    CALL_OPEN,
    CALL_DONE,      /* accepted now or, with the same key, before; or nothing had to change */
    CALL_REFUSED,   /* .problem says why */
    CALL_FAULTED,   /* .fault says why */
    CALL_MISPLACED, /* not this process's: nothing was done, nothing of it is on its way */
    CALL_RELAYED,   /* another process has answered: .relayed */
};

struct lane;
struct passage;
struct relayed;

struct call {
    const struct command *command;
    struct arena *arena; /* lives as long as the call, as do its texts */
    const struct trace_context *trace;
    struct text request_id;   /* for logs */
    int64_t deadline_boot_us; /* by the clock of the log's port */
    void *origin;             /* of whoever made the call */
    /* On the shard's thread, once, when the outcome is set: the call is the origin's again. */
    void (*finish)(struct call *call);

    struct caller caller;
    void *input;
    struct text aggregate_id;
    struct text part_id;      /* absent if the command has none */
    int64_t expected_version; /* of If-Match; -1: none */
    bool keyed;               /* may be in the log: it has an Idempotency-Key, or was forwarded */
    struct uuid command_id;
    uint8_t request_hash[REQUEST_HASH_SIZE];

    /* Of a deadline or a reaction: refused or without effect, it leaves an outcome record, and its
     * id never gets another answer. */
    bool lasting;
    struct uuid causation_id;        /* with lasting: the event that asks for it … */
    struct uuid correlation_id;      /* … and what that one goes back to */
    const struct deadline *deadline; /* dropped unless causation_id still is what set it; or NULL */

    int32_t partition;
    int context; /* its place in contexts */
    bool bound;  /* forwarded to here: may be decided under .bound_term only */
    int64_t bound_term;
    struct passage *passage; /* to another process; NULL: it never went */
    bool copied;             /* what became of a copy sent there is not known */

    bool appended;  /* its commit, or its twin's, was handed to the log: failure is not certain */
    uint64_t token; /* answered once this commit of its lane is acknowledged */

    enum call_outcome outcome;
    struct problem problem;
    enum fault fault;
    int64_t version;
    struct log_mark mark; /* offset NONE: none to tell */
    const struct relayed *relayed;

    struct lane *lane;     /* that it was submitted to */
    int64_t taken_boot_us; /* when that lane let it in; 0: not yet */
    struct call *next;
};

/* First in, first out. */
struct call_queue {
    struct call *first;
    struct call *last;
    size_t count;
};

void call_push(struct call_queue *queue, struct call *call);
struct call *call_pop(struct call_queue *queue); /* NULL if empty */

/* Set the outcome; the answer goes out when the lane says so. */
void call_done(struct call *call, int64_t version);
void call_refuse(struct call *call, const struct refusal *refusal);
void call_refuse_problem(struct call *call, const struct problem *problem);
void call_fault(struct call *call, enum fault fault);
void call_misplace(struct call *call);
void call_relay(struct call *call, const struct relayed *relayed);
bool call_is_late(const struct call *call, int64_t boot_us);
