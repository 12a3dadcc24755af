/* Buckets of one sixteenth of a power of two; below 256 microseconds sixteen equal ones. */
#include "projector/latency.h"

#define FIRST_POWER 8
#define STEPS       16

static size_t bucket_of(int64_t us)
{
    if (us < 0)
        us = 0;
    if (us < INT64_C(1) << FIRST_POWER)
        return (size_t)us / STEPS;
    int power = 63 - __builtin_clzll((unsigned long long)us);
    size_t bucket = (size_t)(power - FIRST_POWER + 1) * STEPS + (size_t)(us >> (power - 4)) % STEPS;
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* What lies in it is below. */
static int64_t end_of(size_t bucket)
{
    size_t power = bucket / STEPS, step = bucket % STEPS;
    if (power == 0)
        return (int64_t)(step + 1) * STEPS;
    return (int64_t)(STEPS + step + 1) << (power + FIRST_POWER - 5);
}

void latency_observe(struct latency *latency, int64_t us)
{
    atomic_fetch_add_explicit(&latency->counts[bucket_of(us)], 1, memory_order_relaxed);
}

void latency_add(struct latency_counts *sum, const struct latency *latency)
{
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        int64_t count = atomic_load_explicit(&latency->counts[i], memory_order_relaxed);
        sum->counts[i] += count;
        sum->total += count;
    }
}

void latency_add_counts(struct latency_counts *sum, const struct latency_counts *more)
{
    for (size_t i = 0; i < LATENCY_BUCKETS; i++)
        sum->counts[i] += more->counts[i];
    sum->total += more->total;
}

void latency_subtract(struct latency_counts *from, const struct latency_counts *less)
{
    for (size_t i = 0; i < LATENCY_BUCKETS; i++)
        from->counts[i] -= less->counts[i];
    from->total -= less->total;
}

void latency_halve(struct latency_counts *counts)
{
    counts->total = 0;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++)
        counts->total += counts->counts[i] /= 2;
}

int64_t latency_percentile_us(const struct latency_counts *counts, int permille)
{
    int64_t left = counts->total * (1000 - permille) / 1000;
    for (size_t i = LATENCY_BUCKETS; i-- > 0;) {
        if (counts->counts[i] > left)
            return end_of(i);
        left -= counts->counts[i];
    }
    return 0;
}
