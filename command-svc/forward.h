/* Calls whose partition another process owns: they go there, or wait until it is known where, and
 * its answer goes back (docs/ARCHITECTURE.md, "Several processes"). One thread. */
#pragma once

#include "command-svc/call.h"
#include "command-svc/forwarded.h"
#include "lib/web/server.h"

struct forward;
struct owners;

struct forward_options {
    struct owners *owners;   /* outlives this */
    struct uuid incarnation; /* of this process */
    struct forwarded_key key;
    size_t calls_max; /* waiting and under way; more are refused */
    /* This process owns the partition by now. On the thread of the forwarding; the call is taken,
     * and may come back by forward_take. */
    void (*keep)(void *user, struct call *call);
    void *user;
};

MUST_CHECK struct forward *forward_start(const struct forward_options *options,
                                         struct error *error);
/* Any thread. Takes a call that ended as CALL_MISPLACED; `request` is where it came from. Ends it
 * with an outcome and call->finish. False: too many are here; it has its outcome, and is still the
 * caller's. */
MUST_CHECK bool forward_take(struct forward *forward, struct call *call,
                             const struct web_request *request);
/* Something became known of owners. Any thread. */
void forward_wake(struct forward *forward);
/* Waits up to timeout_ms for the calls that are here, then ends them truthfully; takes no more.
 * NULL accepted. */
void forward_stop(struct forward *forward, int timeout_ms);
/* Stopped before. NULL accepted, returns NULL. */
struct forward *forward_destroy(struct forward *forward);
