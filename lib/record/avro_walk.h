/* A place in hostile Avro bytes: nothing is read beyond their end, the first problem is kept. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/error.h"
#include "lib/record/avro_limits.h"

struct walk {
    const uint8_t *at;
    const uint8_t *end;
    struct arena *arena;
    uint32_t schema_id; /* the writer's; 0: the reader's own fields */
    int depth;
    enum fault fault;
    const char *problem;
    const char *field; /* innermost one that failed */
};

static inline bool walk_fail(struct walk *walk, enum fault fault, const char *problem)
{
    walk->fault = fault;
    walk->problem = problem;
    return false;
}

static inline bool walk_corrupt(struct walk *walk, const char *problem)
{
    return walk_fail(walk, FAULT_DATA_CORRUPT, problem);
}

static inline size_t walk_left(const struct walk *walk)
{
    return (size_t)(walk->end - walk->at);
}

static inline int64_t walk_from_zigzag(uint64_t raw)
{
    return (int64_t)((raw >> 1) ^ (0 - (raw & 1)));
}

static inline bool walk_long_of_many_bytes(struct walk *walk, int64_t *ret_value)
{
    uint64_t raw = 0;

    for (unsigned shift = 0; shift < 7 * AVRO_VARINT_MAX; shift += 7) {
        if (walk->at == walk->end)
            return walk_corrupt(walk, "the bytes end inside a number");
        uint8_t byte = *walk->at++;
        if (shift == 63 && byte > 1)
            return walk_corrupt(walk, "a number of more than 64 bits");
        raw |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    *ret_value = walk_from_zigzag(raw);
    return true;
}

static inline bool walk_long(struct walk *walk, int64_t *ret_value)
{
    if (walk->at < walk->end && *walk->at < 0x80) {
        *ret_value = walk_from_zigzag(*walk->at++);
        return true;
    }
    return walk_long_of_many_bytes(walk, ret_value);
}
