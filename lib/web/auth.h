/* Bearer tokens: JWT, HS256 only (the algorithm is pinned, never taken from the token), with sub,
 * exp and roles; nbf and iss are checked when there. Verified tokens are remembered until they
 * expire. */
#pragma once

#include "lib/core/error.h"
#include "lib/web/server.h"

struct web_auth;

#define CALLER_SUBJECT_SIZE 65

struct caller {
    char subject[CALLER_SUBJECT_SIZE]; /* TEXT_NAME characters */
    unsigned roles;                    /* bit i: role_names[i] */
};

struct web_auth_options {
    const char *secret; /* at least 32 bytes */
    const char *issuer;
    const char *const
        *role_names;       /* NULL-terminated, at most 31; unknown roles in a token are ignored */
    size_t remembered_max; /* tokens */
};

MUST_CHECK struct web_auth *web_auth_create(const struct web_auth_options *options,
                                            struct error *error);
struct web_auth *web_auth_destroy(struct web_auth *auth);

/* Any thread. False: *ret_problem is problem_unauthenticated or problem_token_expired. */
MUST_CHECK bool web_authenticate(struct web_auth *auth, const struct web_request *request,
                                 struct caller *ret_caller, const struct problem **ret_problem);

/* For tools and tests: a signed token, from the arena; NULL on failure. */
MUST_CHECK char *web_token_sign(const struct web_auth_options *options, const char *subject,
                                unsigned roles, int64_t lifetime_s, struct arena *arena,
                                struct error *error);
