/* Which command this is: its id from the Idempotency-Key, a hash of what it asks for, and If-Match.
 */
#pragma once

#include "command-svc/request_hash.h"
#include "lib/web/server.h"

/* Fills keyed, command_id, request_hash and expected_version; false: refused, call->problem is set.
 */
MUST_CHECK bool request_key_read(struct call *call, struct web_request *request,
                                 const struct request_hash_key *key);
