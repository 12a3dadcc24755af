/* A stack is enough: order among look-ups means nothing, and deadlines end what waits too long. */
#include "command-svc/history_queue.h"

#define LOOK_UPS_A_TURN 4

void history_queue_init(struct history_queue *queue)
{
    *queue = (struct history_queue){0};
    pthread_mutex_init(&queue->mutex, NULL);
}

void history_queue_done(struct history_queue *queue)
{
    pthread_mutex_destroy(&queue->mutex);
}

bool history_queue_submit(struct history_queue *queue, struct history *history)
{
    bool taken = false;

    pthread_mutex_lock(&queue->mutex);
    if (!queue->closed && atomic_load(&queue->count) < HISTORY_QUEUE_MAX) {
        history->next = queue->submitted;
        queue->submitted = history;
        atomic_fetch_add(&queue->count, 1);
        taken = true;
    }
    pthread_mutex_unlock(&queue->mutex);
    return taken;
}

void history_queue_close(struct history_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    pthread_mutex_unlock(&queue->mutex);
}

size_t history_queue_count(const struct history_queue *queue)
{
    return atomic_load(&queue->count);
}

static void answer(struct history_queue *queue, struct history *history)
{
    atomic_fetch_sub(&queue->count, 1);
    history->finish(history);
}

static void take_submitted(struct history_queue *queue)
{
    if (atomic_load(&queue->count) == 0)
        return;
    pthread_mutex_lock(&queue->mutex);
    struct history *taken = queue->submitted;
    queue->submitted = NULL;
    pthread_mutex_unlock(&queue->mutex);
    while (taken != NULL) {
        struct history *next = taken->next;
        taken->next = queue->waiting;
        queue->waiting = taken;
        taken = next;
    }
}

size_t history_queue_turn(struct history_queue *queue, int64_t boot_us)
{
    struct history *kept = NULL, *history;
    size_t answered = 0;

    take_submitted(queue);
    while ((history = queue->waiting) != NULL) {
        queue->waiting = history->next;
        if (answered < LOOK_UPS_A_TURN && history->look_up(history->lane, history)) {
            answer(queue, history);
            answered++;
        } else if (boot_us >= history->deadline_boot_us) {
            history->problem = &problem_position_not_reached;
            answer(queue, history);
        } else {
            history->next = kept;
            kept = history;
        }
    }
    queue->waiting = kept;
    return answered;
}

void history_queue_abandon(struct history_queue *queue)
{
    struct history *history;

    take_submitted(queue);
    while ((history = queue->waiting) != NULL) {
        queue->waiting = history->next;
        history->fault = FAULT_SHUTTING_DOWN;
        answer(queue, history);
    }
}
