/* An operator's order: what a reaction has parked is tried again, or given up. */
#pragma once

#include "lib/core/check.h"
#include "lib/web/auth.h"
#include "lib/web/server.h"
#include <stddef.h>

#define ORDER_REASON_SIZE 201
#define ORDER_SENDER_SIZE 401

struct reaction_order {
    int context;                    /* its place in contexts */
    size_t reaction;                /* its place in the context's list */
    char sender[ORDER_SENDER_SIZE]; /* of what is meant; empty: of everything */
    int64_t version;                /* of the one event that is meant; 0: all of them */
    bool discard;
    char reason[ORDER_REASON_SIZE];
    char actor[CALLER_SUBJECT_SIZE];
};

/* An admin, who names a reaction of a context hosted here: sets those and the actor. False: it is
 * answered. */
MUST_CHECK bool reaction_order_admit(struct web_request *request, struct reaction_order *ret_order);
/* POST /v1/reactions/{context}/{reaction}/release, for admins. The server's user is the struct
 * service. */
extern const struct web_route reaction_routes[];
