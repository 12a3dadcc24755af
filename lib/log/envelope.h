/* What stands around an event on the log: the Kafka binary mode of CloudEvents 1.0,
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 * (ce_specversion ce_id ce_type ce_source ce_subject ce_time content-type), and ours: ce_version
 * ce_fence ce_commandid ce_requesthash ce_correlationid ce_causationid ce_actor traceparent. */
#pragma once

#include "lib/core/id.h"
#include "lib/core/text.h"
#include "lib/core/trace.h"
#include <stdbool.h>
#include <stdint.h>

#define REQUEST_HASH_SIZE 16

/* ce_fence: "<term>.<seq>.<index>.<count>", the first header of every record but claims (see
 * fence.h). index counts from 1. */
struct log_fence {
    int64_t term;
    int64_t seq;
    int32_t index;
    int32_t count;
};

/* Texts are borrowed: from the message when read, from the caller until appended when written. */
struct log_event {
    struct text key;     /* routing key, the record's key */
    struct uuid id;      /* ce_id: no two valid events share one */
    struct text type;    /* ce_type: sijang.catalog.ProductListed */
    struct text source;  /* ce_source: /catalog/product, the aggregate's type */
    struct text subject; /* ce_subject: the aggregate's id */
    int64_t time_us;     /* ce_time: when decided */
    int64_t version;     /* of the aggregate after this event, from 1 */
    struct uuid command_id;
    uint8_t request_hash[REQUEST_HASH_SIZE];
    struct uuid correlation_id;
    struct uuid causation_id;
    struct text actor;
    struct trace_context trace;
    struct text payload; /* framed Avro */

    /* Set by the log when read, ignored when written. A valid record's place is term + seq: it
     * grows along the log, never exceeds the offset, and its owner knows it before the broker. */
    struct log_fence fence;
    int64_t offset;
    int64_t append_time_us;
};
