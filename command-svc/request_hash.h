/* What was asked, in 16 bytes: the same command id with another hash is another request. */
#pragma once

#include "command-svc/call.h"

/* Of the input without its secret fields, as its table writes it. Keyed with the secret; NULL: not
 * keyed, the same for ever. False: no memory, or too large. */
MUST_CHECK bool request_hash(struct call *call, const char *secret);
