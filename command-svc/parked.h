/* What a reaction has parked in one partition, out of the index of whoever is asked: each process
 * follows all partitions. Looked up on the shard's thread as histories are, without holding it. */
#pragma once

#include "command-svc/history.h"

#define PARKED_EVENTS_MAX 100 /* shown at once, over all partitions */

struct parked_event {
    struct text aggregate; /* of the sender */
    struct text id;
    int64_t version; /* of the event */
    int64_t place;   /* in the log */
    int32_t partition;
    struct text step;   /* empty: it only follows another one of its sender */
    struct text reason; /* "follows" then */
};

struct parked_list {
    struct history inquiry; /* of one partition at a time; its origin is the list's */
    const char *reaction;
    /* Where to begin: a partition, in it a sender (absent: all), of it a place. */
    int64_t from_partition;
    struct text from;
    int64_t from_place;
    struct parked_event events[PARKED_EVENTS_MAX];
    size_t count, limit; /* at most PARKED_EVENTS_MAX */
    bool more;           /* there are */
};

/* For inquiry.look_up. inquiry.subject is the list. Adds what is parked and flushed, or sets the
 * fault. */
bool parked_look_up(struct lane *lane, struct history *inquiry);
