/* Creating topics: logs as the claimed log needs them (fixed partition count, infinite retention,
 * no compaction, LogAppendTime), and compacted ones, which keep the last record of each key.
 * Blocks. */
#pragma once

#include "lib/core/error.h"
#include <stddef.h>
#include <stdint.h>

struct log_topic_options {
    int32_t partition_count;
    int32_t replication_factor;
    bool flush_every_append; /* flush.messages=1: single brokers that must survive power loss */
    bool compacted;          /* not a log */
};

/* One that exists already is compared (partition count, timestamp type, cleanup policy): a
 * difference is LOG_REPLACED's sibling LOG_FAILED with both values in the detail. */
MUST_CHECK bool log_topics_create(const char *brokers, const char *const *names, size_t count,
                                  const struct log_topic_options *options, int timeout_ms,
                                  struct error *error);
