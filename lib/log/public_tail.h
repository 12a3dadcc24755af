/* The newest public record of a partition, as a consumer with read_committed sees it. Private to
 * the publisher. */
#pragma once

#include "lib/core/error.h"
#include <stdint.h>

struct kafka_port;
struct log_position;

struct public_tail {
    const struct kafka_port *kafka;
    const char *topic;
    int32_t partition;
    int timeout_ms;
    int64_t first, end; /* of the partition, transactions that are open included */
};

MUST_CHECK bool public_tail_resume(const struct public_tail *tail, struct log_position *ret_from,
                                   struct error *error);
