/* murmur2, bit by bit as org.apache.kafka.common.utils.Utils.murmur2. */
#include "lib/log/partition.h"

#include <assert.h>

#define MURMUR_SEED     UINT32_C(0x9747b28c)
#define MURMUR_MULTIPLY UINT32_C(0x5bd1e995)
#define MURMUR_SHIFT    24

uint32_t log_murmur2(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint32_t hash = MURMUR_SEED ^ (uint32_t)size;

    for (; size >= 4; size -= 4, at += 4) {
        uint32_t block =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        block *= MURMUR_MULTIPLY;
        block ^= block >> MURMUR_SHIFT;
        block *= MURMUR_MULTIPLY;
        hash *= MURMUR_MULTIPLY;
        hash ^= block;
    }
    if (size > 2)
        hash ^= (uint32_t)at[2] << 16;
    if (size > 1)
        hash ^= (uint32_t)at[1] << 8;
    if (size > 0) {
        hash ^= (uint32_t)at[0];
        hash *= MURMUR_MULTIPLY;
    }
    hash ^= hash >> 13;
    hash *= MURMUR_MULTIPLY;
    hash ^= hash >> 15;
    return hash;
}

int32_t log_partition_of(struct text key, int32_t partition_count)
{
    assert(partition_count > 0);
    uint32_t positive = log_murmur2(key.bytes, key.size) & UINT32_C(0x7fffffff);
    return (int32_t)(positive % (uint32_t)partition_count);
}
