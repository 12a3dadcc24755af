/* Whether the host's clock and the broker's append times agree, as far as an own record shows. It
 * was appended between the moment it was produced and the moment its report was heard: only a
 * difference that no delay explains is one. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SKEW_US_MAX 5000000

struct skew {
    bool differs;     /* by more than SKEW_US_MAX */
    int64_t ahead_us; /* the host's clock is ahead by so much at least; negative: behind */
};

/* All by wall clocks; an append time of 0 is unknown, and says nothing. */
void skew_note(struct skew *skew, int64_t produced_us, int64_t appended_us, int64_t heard_us);
