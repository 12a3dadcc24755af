/* Clients: each wants one operation at a time done, attempts it at a process, retries it elsewhere
 * under the same key, or gives it up. What they asked and were told is kept for the verdict. */
#pragma once

#include "command-svc/call.h"
#include "command-svc/shard.h"

struct world;

#define ID_SIZE        UUID_TEXT_SIZE
#define PART_ID_SIZE   UUID_TEXT_SIZE
#define BODY_SIZE      192
#define ATTEMPTS_MAX   6000
#define OPERATIONS_MAX 3000
#define KNOWN_MAX      1000
#define NEVER_US       INT64_MAX
#define NO_VERSION     (-1)

struct attempt;

/* What a client wants, however often it asks. */
struct operation {
    int number;
    const struct command *command;
    struct uuid command_id;
    uint8_t request_hash[REQUEST_HASH_SIZE];
    bool keyed;
    char aggregate_id[ID_SIZE]; /* not of one that creates */
    char part_id[PART_ID_SIZE]; /* empty: none */
    char body[BODY_SIZE];
    const char *subject;
    unsigned roles;
    int64_t expected_version;
    bool done; /* a client was told so */

    /* Of one that a process has taken on and sends to owners, one after the other. */
    bool passed;
    int64_t
        unknown_term; /* the newest that a copy of unknown fate is bound to; -1: there is none */
    const struct attempt *final; /* no copy can be decided any more; NULL: who knows */
};

enum attempt_state {
    ATTEMPT_OPEN,
    ATTEMPT_ENDED, /* call.outcome was told */
    ATTEMPT_LOST,  /* its process died */
};

/* One call. Its number is in the trace of the records it wrote. */
struct attempt {
    struct call call;
    struct arena arena;
    struct trace_context trace;
    int number;
    struct world *world;
    struct operation *operation;
    int process;
    bool other_body; /* the key is used for something else */
    enum attempt_state state;
    int64_t sent_us;
    int64_t ended_us; /* NEVER_US: it was not */
};

struct attempt_order {
    struct operation *operation;
    int process;
    bool other_body; /* the key is used for something else */
    bool bound;      /* a copy that may be decided under this term only */
    int64_t term;
    int64_t deadline_us; /* in real time */
};

struct client {
    struct operation *operation;
    struct attempt *attempt; /* waits for it; NULL: for none */
    int process;             /* that it likes to ask */
    int64_t patience_us;     /* until when it waits */
    int home_starts;         /* of the process that has taken the operation on */
};

struct known {
    const struct aggregate *aggregate;
    char id[ID_SIZE];
};

struct crowd {
    struct client *clients;
    struct operation *operations[OPERATIONS_MAX];
    int operation_count;
    struct attempt *attempts[ATTEMPTS_MAX];
    int attempt_count;
    struct known known[KNOWN_MAX]; /* what somebody has heard of */
    int known_count;
    int part_count;
};

struct crowd *crowd_create(struct world *world);
void crowd_destroy(struct crowd *crowd);
/* One of the clients does something. */
void crowd_act(struct world *world);
void crowd_process_died(struct world *world, int process);
/* NULL: it was not taken, or nobody was there. */
struct attempt *attempt_send(struct world *world, const struct attempt_order *order);
struct operation *operation_create(struct world *world);
/* A new operation, sent to this process: the attempt, or NULL if it was not taken. */
struct attempt *crowd_probe(struct world *world, int process, int32_t partition);

/* It was told what became of it, for good. */
bool attempt_is_definite(const struct attempt *attempt);
/* The operation as the client would write it: its input, in the arena. */
void *operation_read_input(const struct operation *operation, struct arena *arena);
/* Draws what a client wants next. */
void operation_draw(struct world *world, struct operation *operation);
/* An id in the partition of the command id, as the service draws it. */
void operation_draw_id(struct world *world, const struct uuid *command_id,
                       char ret_id[static ID_SIZE]);
/* Something of that kind that was heard of; NULL: nothing was. */
const char *crowd_draw_known(struct world *world, const struct aggregate *aggregate);
int crowd_count_known(const struct crowd *crowd, const struct aggregate *aggregate);
