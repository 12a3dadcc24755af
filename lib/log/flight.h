/* Records under way on one partition: a ring in the order of their tokens, which only grow. Reports
 * fill it from the front, contiguous acknowledgement empties it. */
#pragma once

#include "lib/core/check.h"
#include "lib/log/envelope.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLIGHT_RECORDS_MAX 65536

struct flight_entry {
    struct log_fence fence;
    uint64_t commit_token; /* the owner's, on every record of the commit */
    int64_t produced_us;   /* by the host's clock */
    int64_t offset;        /* as reported */
    int64_t append_time_us;
};

struct flight {
    struct flight_entry *entries;
    size_t capacity;   /* a power of two */
    uint64_t head;     /* token of the oldest entry */
    uint64_t reported; /* token of the first without a report */
    uint64_t tail;     /* token the next one gets */
    size_t commits;
};

void flight_done(struct flight *flight);
/* Room for count more; false if there is no memory or it is full. */
MUST_CHECK bool flight_reserve(struct flight *flight, size_t count);
/* Asserts that there is room. */
void flight_push(struct flight *flight, const struct log_fence *fence, uint64_t commit_token,
                 int64_t produced_us);
/* The entry of a token from head to tail. */
struct flight_entry *flight_at(struct flight *flight, uint64_t token);
/* Removes the oldest. */
void flight_pop(struct flight *flight);
/* A token used for something else than a commit's record. */
uint64_t flight_skip(struct flight *flight);
/* Forgets all: reports still to come are older than head. */
void flight_abandon(struct flight *flight);
bool flight_is_empty(const struct flight *flight);
