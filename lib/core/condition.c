/* The one place that says which clock. */
#include "lib/core/condition.h"

void condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

struct timespec condition_deadline(int64_t after_us)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += after_us % 1000000 * 1000;
    until.tv_sec += after_us / 1000000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}
