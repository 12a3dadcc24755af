/* How long live events take from the log's append time to their rows' commit: counted finely enough
 * (one part in sixteen) to compare now with before. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define LATENCY_BUCKETS 272 /* up to 16 seconds */

/* Only grows. One thread observes, any may read. */
struct latency {
    _Atomic int64_t counts[LATENCY_BUCKETS];
};

/* What was read of it, or what came between two times of reading. */
struct latency_counts {
    int64_t counts[LATENCY_BUCKETS];
    int64_t total;
};

void latency_observe(struct latency *latency, int64_t us);
void latency_add(struct latency_counts *sum, const struct latency *latency);
void latency_add_counts(struct latency_counts *sum, const struct latency_counts *more);
void latency_subtract(struct latency_counts *from, const struct latency_counts *less);
void latency_halve(struct latency_counts *counts); /* old ones shall count less */
/* No more than so many of a thousand took longer. 0 when there are none. */
int64_t latency_percentile_us(const struct latency_counts *counts, int permille);
