/* Latencies as one sorted array: four bytes a request are cheap enough to lose nothing. */
#include "tests/bench/latencies.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void latencies_add(struct latencies *latencies, int64_t nanoseconds)
{
    int64_t microseconds = nanoseconds / 1000;

    if (latencies->count == latencies->capacity) {
        latencies->capacity = latencies->capacity == 0 ? 1 << 16 : 2 * latencies->capacity;
        latencies->microseconds = reallocarray(latencies->microseconds, latencies->capacity,
                                               sizeof(*latencies->microseconds));
        if (latencies->microseconds == NULL) {
            perror("latencies");
            exit(EXIT_FAILURE);
        }
    }
    latencies->microseconds[latencies->count++] =
        microseconds < UINT32_MAX ? (uint32_t)microseconds : UINT32_MAX;
}

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

static void sort(struct latencies *latencies)
{
    if (latencies->count > 0)
        qsort(latencies->microseconds, latencies->count, sizeof(*latencies->microseconds), compare);
}

static uint32_t pick(const struct latencies *latencies, double share)
{
    if (latencies->count == 0)
        return 0;
    size_t at = (size_t)(share * (double)latencies->count);
    return latencies->microseconds[at < latencies->count ? at : latencies->count - 1];
}

void latencies_print(struct latencies *latencies, const char *prefix)
{
    static const struct {
        const char *name;
        double share;
    } wanted[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99_9", 0.999}, {"max", 1}};

    sort(latencies);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
        printf("%s\"%s%s_us\":%u", i == 0 ? "" : ",", prefix, wanted[i].name,
               pick(latencies, wanted[i].share));
}

void latencies_done(struct latencies *latencies)
{
    free(latencies->microseconds);
    *latencies = (struct latencies){0};
}
