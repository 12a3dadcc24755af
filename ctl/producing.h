/* Appending records to a topic by partition, for tools: bounded, in order, all reported before the
 * end. */
#pragma once

#include "lib/log/port.h"

#define PRODUCING_UNDER_WAY_MAX 1024

struct producing;

struct producing_options {
    const char *brokers;
    const char *topic;
    int64_t *latencies_us; /* of the n-th record; NULL: not wanted */
    size_t latency_count;
};

/* Copies the options, borrows their texts. */
MUST_CHECK struct producing *producing_open(const struct producing_options *options,
                                            struct error *error);
struct producing *producing_close(struct producing *producing); /* NULL accepted */
int32_t producing_partition_count(const struct producing *producing);
/* Waits while too much is under way. Copies the record. */
MUST_CHECK bool producing_append(struct producing *producing, int32_t partition,
                                 const struct log_record *record, struct error *error);
/* Everything is durable, or it fails. */
MUST_CHECK bool producing_finish(struct producing *producing, struct error *error);
