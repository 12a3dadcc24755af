/* Envelopes as headers of a record, both ways. */
#pragma once

#include "lib/log/envelope.h"
#include "lib/log/port.h"

#define ENVELOPE_HEADERS_MAX  15
#define ENVELOPE_FENCE_SIZE   64 /* four numbers, three dots and NUL */

#define ENVELOPE_CLAIM_TYPE   "sijang.platform.Claim"
#define ENVELOPE_BARRIER_TYPE "sijang.platform.Barrier"
#define PLATFORM_PREFIX       "sijang.platform."

/* The headers of one record under construction. Values point into it or at the event's texts. */
struct envelope {
    struct log_header headers[ENVELOPE_HEADERS_MAX];
    size_t count;
    char fence[ENVELOPE_FENCE_SIZE];
    char id[UUID_TEXT_SIZE];
    char time[32];
    char version[24];
    char command_id[UUID_TEXT_SIZE];
    char request_hash[2 * REQUEST_HASH_SIZE + 1];
    char correlation_id[UUID_TEXT_SIZE];
    char causation_id[UUID_TEXT_SIZE];
    char trace[TRACE_PARENT_SIZE];
};

/* A NULL fence leaves ce_fence out (claims). Absent texts, zero ids and a zero trace are left out.
 */
void envelope_write(const struct log_event *event, const struct log_fence *fence,
                    struct envelope *ret_envelope);

/* "<term>.<seq>.<index>.<count>"; false on anything else. */
bool envelope_read_fence(struct text value, struct log_fence *ret_fence);

enum envelope_kind {
    ENVELOPE_MALFORMED = 1, /* counts as junk */
    ENVELOPE_CLAIM,         /* of that type; whether its payload is one is decided elsewhere */
    ENVELOPE_FENCED,        /* event->fence is what the record says of itself */
};

/* One pass over the headers; *ret_event borrows from the message. */
enum envelope_kind envelope_read(const struct log_port *port, const struct log_message *message,
                                 struct log_event *ret_event);
