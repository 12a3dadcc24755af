/* A command on its way through the pipeline: made by an HTTP thread in the request's arena, worked
 * on by one shard thread, answered by the HTTP thread. Whoever has it, has it alone. */
#pragma once

#include "command-svc/command.h"
#include "lib/core/error.h"
#include "lib/core/id.h"
#include "lib/log/envelope.h"
#include "lib/log/position.h"
#include "lib/web/auth.h"
#include "lib/web/server.h"

enum call_outcome {
    CALL_OPEN,
    CALL_DONE,    /* accepted now or, with the same key, before; or nothing had to change */
    CALL_REFUSED, /* .problem says why */
    CALL_FAULTED, /* .fault says why */
};

struct lane;

struct call {
    struct web_request *request;
    const struct command *command;
    struct caller caller;
    void *input;
    struct text aggregate_id;
    struct text part_id;      /* absent if the command has none */
    int64_t expected_version; /* of If-Match; -1: none */
    bool keyed;               /* an Idempotency-Key was given */
    struct uuid command_id;
    uint8_t request_hash[REQUEST_HASH_SIZE];

    bool appended;  /* its commit, or its twin's, was handed to the log: failure is not certain */
    uint64_t token; /* answered once this commit of its lane is acknowledged */

    enum call_outcome outcome;
    struct problem problem;
    enum fault fault;
    int64_t version;
    struct log_mark mark; /* offset NONE: none to tell */

    struct lane *lane; /* that it was submitted to */
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
bool call_is_late(const struct call *call, int64_t boot_us);

/* On the request's HTTP thread: writes the answer the outcome asks for. `state` is the call. */
void call_answer(struct web_request *request, void *state);
