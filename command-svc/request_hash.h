/* What was asked, in 16 bytes: the same command id with another hash is another request. */
#pragma once

#include "command-svc/call.h"

struct request_hash_key {
    unsigned char bytes[32];
};

/* Once, before there are other threads: libsodium looks for the processor's fastest instructions,
 * and hashes with the slowest ones when it was not asked to. */
void request_hash_prepare(void);
void request_hash_key_derive(const char *secret, struct request_hash_key *ret_key);

/* Of the input without its secret fields, as its table writes it. A NULL key: not keyed, the same
 * for ever. False: no memory, or too large. */
MUST_CHECK bool request_hash(struct call *call, const struct request_hash_key *key);
