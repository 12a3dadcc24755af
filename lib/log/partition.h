/* Which partition a key belongs to: murmur2 as Kafka's Java client computes it
 * (org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner). */
#pragma once

#include "lib/core/text.h"
#include <stdint.h>

uint32_t log_murmur2(const void *bytes, size_t size);
int32_t log_partition_of(struct text key, int32_t partition_count);
