/* Records of the log itself, Avro-framed with a type of their own so that any consumer can skip
 * them. Claims have no fence; every other one is a commit of its own, fenced like any. Their bodies
 * are the structs of lib/log/platform/records.h, made from lib/log/platform/<name>.avsc. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/buffer.h"
#include "lib/core/error.h"
#include "lib/core/id.h"
#include "lib/log/envelope_wire.h"
#include "lib/log/platform/records.h"

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

/* Any other platform record. */
struct platform_entry {
    enum platform_record kind;  /* not PLATFORM_CLAIM */
    const void *body;           /* the struct of that kind; of a barrier it may be NULL */
    struct uuid id;             /* ce_id; zero when appended: one is drawn */
    struct uuid correlation_id; /* zero: none */
    struct uuid causation_id;   /* of an outcome: the event that asked for the command */

    /* Set by the log when read, ignored when appended. */
    int64_t offset;
    int64_t append_time_us;
};

/* As an event to be appended alone. Its texts are literals and `payload`. */
MUST_CHECK bool platform_write(const struct platform_entry *entry, struct buffer *payload,
                               struct log_event *ret_event, struct error *error);
bool platform_is(const struct log_event *event);
/* The body is the arena's and borrows from the event. SCHEMA_UNKNOWN: a kind, or a release of it,
 * that only a newer version knows; DATA_CORRUPT. */
MUST_CHECK bool platform_read(const struct log_event *event, struct arena *arena,
                              struct platform_entry *ret_entry, struct error *error);
