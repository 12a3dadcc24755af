/* One token's words, checked in full: signature, algorithm, times, issuer. The slow way, without
 * memory. */
#pragma once

#include "lib/web/auth.h"

struct token {
    struct caller caller;
    int64_t expires_s;
};

#define TOKEN_SIZE_MAX 4096

/* NULL if it is good; else problem_unauthenticated or problem_token_expired. `token` is
 * NUL-terminated. */
MUST_CHECK const struct problem *token_verify(const struct web_auth_options *options,
                                              const char *token, int64_t now_s,
                                              struct token *ret_token);
