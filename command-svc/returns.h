/* Calls of a shard's own reactions that have ended, on whatever thread, until its own turn. */
#pragma once

#include "command-svc/call.h"
#include <pthread.h>

struct returns {
    pthread_mutex_t mutex; /* of what follows */
    struct call_queue queue;
};

void returns_init(struct returns *returns);
void returns_done(struct returns *returns);
/* Any thread. */
void returns_put(struct returns *returns, struct call *call);
/* Gives each to its reactor; how many there were. */
size_t returns_take(struct returns *returns);
