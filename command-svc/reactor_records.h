/* What a reactor is made of, and the records it leaves in its lane's log. Private to
 * reactor.c and reactor_steps.c. */
#pragma once

#include "command-svc/lane.h"
#include "command-svc/reaction_item.h"
#include "command-svc/reaction_order.h"
#include "command-svc/reactor.h"
#include "command-svc/store_parks.h"

#define RUNNERS_MAX 16

/* One reaction of the lane. */
struct runner {
    struct reactor *reactor;
    const struct reaction *reaction;
    struct reaction_window window; /* events under way */
    int64_t cursor;                /* events before it have been taken */
    int64_t mark;                  /* low water */
    int64_t written;               /* the newest mark that is in a checkpoint */
    int64_t read_boot_us;          /* not before: the last reading failed */
    bool more;                     /* there may be events to take */
    struct reaction_order order;   /* the last one */
};

struct reactor {
    struct lane *lane;
    const struct reactor_port *port;
    struct runner runners[RUNNERS_MAX];
    size_t runner_count;
    int64_t turn_boot_us;       /* the next turn without a reason */
    int64_t checkpoint_boot_us; /* the next one at the earliest */
    bool serving;
    bool started; /* every mark is written or about to be */
    bool awake;   /* there is a reason to turn */
};

/* The marks of all runners; .written follows. */
MUST_CHECK bool reactor_append_checkpoint(struct reactor *reactor, struct error *error);
/* Of a parked event that is done with, under runner->order. */
MUST_CHECK bool reactor_append_release(struct runner *runner, const struct reaction_item *item,
                                       struct error *error);
/* Sets item->park_token. */
MUST_CHECK bool reactor_append_park(struct runner *runner, struct reaction_item *item,
                                    struct error *error);
