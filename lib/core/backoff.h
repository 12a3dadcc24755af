/* How long to wait before trying again: longer from failure to failure, and not all at the same
 * moment. */
#pragma once

#include <stdint.h>

struct backoff {
    int64_t min_us;
    int64_t max_us;
};

/* After `failures` in a row, the first one being 1: min_us, doubled by each further one up to
 * max_us. Half of it is certain; of the other half as much as `chance` is of its largest value. */
int64_t backoff_us(const struct backoff *backoff, uint32_t failures, uint32_t chance);
/* The same with a chance drawn here. */
int64_t backoff_draw_us(const struct backoff *backoff, uint32_t failures);
