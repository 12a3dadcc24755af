/* How lanes stand: published by their shard's thread, summed up by whoever asks /ready. */
#pragma once

#include "lib/core/buffer.h"
#include "lib/log/writer.h"
#include <stdatomic.h>

struct lane;

/* In a lane. */
struct published {
    _Atomic int state; /* enum log_state */
    bool counted;      /* in the gauges, once; the shard's own */
    _Atomic bool assigned, near;
    _Atomic bool clock_differs; /* the host's, from the append times */
    _Atomic int64_t behind;     /* records not read yet */
};

/* Over all lanes of a process. */
struct readiness {
    struct buffer *lanes; /* a JSON array under construction: an object per lane; or NULL */
    int64_t count, assigned, serving, following, stopped, behind, clocks_differ;
    int64_t usable; /* commands are decided here, or find their owner from here */
};

/* On the shard's thread. */
void readiness_publish(struct lane *lane);
/* Any thread. */
void readiness_add(const struct lane *lane, struct readiness *readiness);
/* Any thread: the members of /ready's object. True: every lane is usable. */
bool readiness_write(const struct readiness *readiness, struct buffer *out);
