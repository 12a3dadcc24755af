/* Who serves which partition, and where that process takes commands: each owner says so in one
 * small compacted topic, everybody reads it. A hint only: what makes an owner is its claim. */
#pragma once

#include "lib/core/error.h"
#include "lib/core/id.h"
#include "lib/log/hosts.h"
#include "lib/log/position.h"

struct owners;
struct log_port;

#define OWNERS_TOPIC        "sijang.owners.v1" /* one partition */
#define OWNERS_CONTEXTS_MAX 64
#define OWNER_ADDRESS_SIZE  256 /* host:port, with NUL */

struct owner {
    char address[OWNER_ADDRESS_SIZE]; /* where its process takes commands */
    struct uuid incarnation;          /* of its process */
    struct uuid log;                  /* identity of the partition's log */
    int64_t term;                     /* offset of its claim */
};

struct owners_options {
    const char *const *contexts; /* NULL-terminated; what is said of others is not kept. Borrowed */
    int32_t partition_count;
    const char *address;       /* what this process says of itself; copied */
    struct uuid incarnation;   /* the same */
    const char *deployment;    /* NULL: it has none. Borrowed, as is … */
    const char *const *hosted; /* … what it hosts, NULL-terminated; with a deployment */
    /* Something became known. On the thread of owners_turn; NULL: nobody asks. */
    void (*changed)(void *user);
    void *user;
};

/* The port, one with a producer, is used by nobody else and outlives the owners. */
MUST_CHECK struct owners *owners_create(struct log_port *port, const struct owners_options *options,
                                        struct error *error);
struct owners *owners_destroy(struct owners *owners); /* NULL accepted, returns NULL */

/* Any thread. The owner of the newest term heard of; it may be this very process. False: nobody
 * has served it yet, the last one gave it up, or the topic was not read yet. */
bool owners_find(struct owners *owners, const char *context, int32_t partition,
                 struct owner *ret_owner);
/* Any thread. This process serves since the claim at position->last_offset. Said until the topic
 * has it, and again when an older statement comes in behind it. */
void owners_say(struct owners *owners, const char *context, int32_t partition,
                const struct log_position *position);
/* Any thread. It no longer serves what it said it serves, and knows of nobody else who does. Where
 * a newer owner was heard of, nothing is said. */
void owners_withdraw(struct owners *owners, const char *context, int32_t partition);

/* Any thread. No other deployment is known to host the context, or to have been first: *ret_other
 * (may be NULL) is its name, and empty while the topic was not read yet. */
bool owners_may_claim(struct owners *owners, const char *context,
                      char ret_other[HOSTS_DEPLOYMENT_SIZE]);
/* Any thread. The process stops: it hosts nothing any more. */
void owners_leave(struct owners *owners);

/* Any thread. The topic has been read to an end it had. */
bool owners_known(struct owners *owners);
/* Any thread. All that was said is in the topic. */
bool owners_settled(struct owners *owners);

/* On one thread, which then waits on the port. Reads and writes; returns how much there was. */
size_t owners_turn(struct owners *owners);
