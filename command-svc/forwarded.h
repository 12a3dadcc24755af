/* The header of a forwarded request: under which term it may be decided, how long it may take,
 * which command it is. Signed, so that clients cannot write one. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/id.h"
#include "lib/web/problem.h"

#define FORWARDED_HEADER "Sijang-Forwarded"

/* To another process of this service, never to a client: the term is not served here. */
extern const struct problem problem_not_owner;
extern const struct problem problem_forged;

struct forwarded_key {
    uint8_t bytes[32];
};

struct forwarded {
    int64_t term;          /* offset of the owner's claim */
    int64_t left_ms;       /* until the client's deadline … */
    int64_t until_wall_ms; /* … by the other clock: a stalled receiver has not seen time pass */
    bool drawn;            /* the client gave no key: command_id was drawn for it */
    struct uuid command_id;
};

/* Derived from the secret that signs tokens. */
void forwarded_key_derive(const char *secret, struct forwarded_key *ret_key);
/* The header's value, for this method and path; NULL: the arena is full. */
MUST_CHECK char *forwarded_write(const struct forwarded *forwarded, const struct forwarded_key *key,
                                 const char *method, const char *path, struct arena *arena);
/* False: nobody with the key has written this for this method and path. */
MUST_CHECK bool forwarded_read(struct text value, const struct forwarded_key *key,
                               const char *method, const char *path, struct forwarded *ret);
