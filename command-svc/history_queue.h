/* Histories on their way to a shard's thread: a few are looked up each turn, so that commands never
 * wait for many; those whose position is not reached yet wait here. */
#pragma once

#include "command-svc/history.h"
#include <pthread.h>
#include <stdatomic.h>

#define HISTORY_QUEUE_MAX 256 /* per shard; more are refused */

struct history_queue {
    _Atomic size_t count; /* submitted and not answered yet */
    struct history *waiting;
    pthread_mutex_t mutex; /* of what follows */
    struct history *submitted;
    bool closed;
};

void history_queue_init(struct history_queue *queue);
void history_queue_done(struct history_queue *queue);
/* Any thread. False: too many, or it is closed; the history is still the caller's. */
MUST_CHECK bool history_queue_submit(struct history_queue *queue, struct history *history);
void history_queue_close(struct history_queue *queue);         /* any thread */
size_t history_queue_count(const struct history_queue *queue); /* any thread */
/* On the shard's thread. How many were answered. */
size_t history_queue_turn(struct history_queue *queue, int64_t boot_us);
/* Ends all. */
void history_queue_abandon(struct history_queue *queue);
