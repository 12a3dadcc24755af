/* Takes errands whose partition another process owns to that process. Their ids never get two
 * answers, so they may be sent as often as anybody likes. One thread. */
#pragma once

#include "command-svc/call.h"
#include "command-svc/forwarded.h"

struct courier;
struct owners;

struct courier_options {
    struct owners *owners;   /* outlives this */
    struct uuid incarnation; /* of this process */
    struct forwarded_key key;
    size_t calls_max; /* waiting and under way; more are refused */
};

MUST_CHECK struct courier *courier_start(const struct courier_options *options,
                                         struct error *error);
/* Any thread. Whether another process is known to own the call's partition. NULL accepted. */
bool courier_is_for(const struct courier *courier, const struct call *call);
/* Any thread. Ends the call with an outcome and call->finish. False: too many are here. */
MUST_CHECK bool courier_take(struct courier *courier, struct call *call);
/* Ends what is here; takes no more. NULL accepted. */
void courier_stop(struct courier *courier);
/* Stopped before. NULL accepted, returns NULL. */
struct courier *courier_destroy(struct courier *courier);
