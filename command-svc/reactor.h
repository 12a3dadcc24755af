/* Runs the reactions of one lane while it is served: takes events in log order, gives the commands
 * they ask for, tells the senders, keeps the low-water marks (docs/REACTIONS.md). All on the
 * shard's thread, but for what the port says. */
#pragma once

#include "command-svc/call.h"
#include "command-svc/reaction.h"

struct lane;
struct reaction_order;
struct reactor;

/* How a reactor reaches the rest of the house. */
struct reactor_port {
    void *self;
    int32_t partition_count;
    /* Hands a call to whoever owns the partition. False: not now; the call is still the caller's.
     */
    bool (*deliver)(void *self, struct call *call, int32_t partition, int context);
    struct reaction_mirror *mirror; /* NULL: marks are not shown */
    /* Any thread: a call has ended; reactor_take wants it on the reactor's own thread. */
    void (*give_back)(void *self, struct call *call);
};

/* NULL, without an error set, if the lane's context has no reactions. Borrows both. */
MUST_CHECK bool reactor_create(struct lane *lane, const struct reactor_port *port,
                               struct reactor **ret_reactor, struct error *error);
/* NULL accepted, as by all the others. Every call has come back before. */
struct reactor *reactor_destroy(struct reactor *reactor);

/* The lane is served from now on: a new reaction's first mark is written before anything else. */
void reactor_serving(struct reactor *reactor);
void reactor_deposed(struct reactor *reactor);
/* The index has been flushed: there may be new events. */
void reactor_flushed(struct reactor *reactor);
void reactor_turn(struct reactor *reactor, int64_t boot_us);
/* Events under way. */
size_t reactor_open(const struct reactor *reactor);
/* What is parked and flushed is tried again or given up, as far as there is room. */
void reactor_order(struct reactor *reactor, const struct reaction_order *order);
/* A call given back; its end. */
void reactor_take(struct call *call);
