/* How much of the time a replay may work, so that live views do not notice: the slowest of their
 * events are compared with what the slowest took while nothing was replayed. Pure but for what it
 * keeps: times and counts are given. */
#pragma once

#include "projector/latency.h"
#include <stdbool.h>

#define YIELD_SHARE_ALL 1000
#define YIELD_SHARE_MIN 50
/* Never longer at a stretch but for YIELD_CALM_US: a rebuild always ends. */
#define YIELD_REST_US_MAX 100000

enum yield_mood {
    YIELD_CALM = 1, /* nothing was replayed */
    YIELD_SETTLING, /* what is over may still show */
    YIELD_WORKING,
};

struct yield {
    struct latency_counts heard; /* in all */
    struct latency_counts calm;  /* while nothing was replayed, lately more than long ago */
    struct latency_counts busy;  /* since the share was judged last */
    int64_t heard_us;            /* boot time, as all of these; 0: never */
    int64_t judged_us;
    int64_t calm_due_us;
    int64_t seen_us; /* a live event */
    int64_t share;   /* of a thousand */
    bool behind;     /* live views are far behind: the least share, whatever else is known */
};

void yield_init(struct yield *yield);
/* All live events so far, as often as may be; the mood is that of the time since this was said
 * last. */
void yield_hear(struct yield *yield, const struct latency_counts *all, int64_t now_us,
                enum yield_mood mood);
/* To be rested after so much work. */
int64_t yield_rest_us(const struct yield *yield, int64_t worked_us);
/* How long to do nothing, so that it is known what live events take then; 0: no need now. */
int64_t yield_calm_us(struct yield *yield, int64_t now_us);
