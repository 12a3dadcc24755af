/* All latencies of a run, kept whole: percentiles are counted, not estimated. One thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct latencies {
    uint32_t *microseconds;
    size_t count, capacity;
};

void latencies_add(struct latencies *latencies, int64_t nanoseconds);
/* Sorts. Members of a JSON object: "<prefix>p50_us": …, up to "<prefix>max_us", without a comma
 * behind. */
void latencies_print(struct latencies *latencies, const char *prefix);
void latencies_done(struct latencies *latencies);

int64_t now_ns(void); /* CLOCK_MONOTONIC */
