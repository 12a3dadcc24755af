/* Records of the log itself, Avro-framed with a type of their own so that any consumer can skip
 * them. */
#pragma once

#include "lib/core/buffer.h"
#include "lib/core/id.h"
#include "lib/log/envelope_wire.h"

/* A process makes itself the owner; the offset of this record is its term. */
struct platform_claim {
    struct uuid incarnation; /* of the process */
    struct uuid log; /* identity as the claimant knows it; the first claim's names the log */
    int32_t partition_count;
};

/* The claim as a record's value and headers. `payload` holds the value, `envelope` the headers, and
 * the result borrows from both and from `topic`. False if memory ran out. */
MUST_CHECK bool platform_write_claim(const struct platform_claim *claim, const struct uuid *id,
                                     struct buffer *payload, struct envelope *envelope);
/* False on anything that is not a claim: such a record is void. */
bool platform_read_claim(struct text payload, struct platform_claim *ret_claim);

/* An event that changes nothing, to be appended like any other. Its texts are literals and
 * `payload`. */
MUST_CHECK bool platform_barrier(const struct uuid *id, struct buffer *payload,
                                 struct log_event *ret_event);
