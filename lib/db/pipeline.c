/* The thread between those who ask and the connections: whatever is waiting when a connection has
 * room becomes one batch, so batches grow with the load by themselves. */
#include "lib/db/pipeline.h"
#include "lib/core/clock.h"
#include "lib/db/lane.h"
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CONNECTIONS_MAX 16

struct db_pipeline {
    struct db_pipeline_options options;
    pthread_t thread;
    int wake_fd;
    atomic_int up_count;
    atomic_size_t waiting_count; /* incoming and waiting */
    pthread_mutex_t lock;
    struct db_queue incoming; /* lock */
    struct error trouble;     /* lock */
    bool stopping;            /* lock */
    struct db_queue waiting;  /* the thread's, as is all below */
    int64_t earliest_boot_us; /* no deadline passes before */
    struct db_lane lanes[CONNECTIONS_MAX];
};

static void wake(struct db_pipeline *pipeline)
{
    uint64_t one = 1;

    /* The counter cannot overflow, and a full one would wake as well. */
    (void)!write(pipeline->wake_fd, &one, sizeof one);
}

bool db_pipeline_ask(struct db_pipeline *pipeline, struct db_question *question,
                     struct error *error)
{
    bool stopping, was_empty;

    if (atomic_fetch_add(&pipeline->waiting_count, 1) >= pipeline->options.waiting_max) {
        atomic_fetch_sub(&pipeline->waiting_count, 1);
        return error_set(error, FAULT_OVERLOADED, "%zu questions are waiting",
                         pipeline->options.waiting_max);
    }
    pthread_mutex_lock(&pipeline->lock);
    stopping = pipeline->stopping;
    was_empty = pipeline->incoming.count == 0;
    if (!stopping)
        db_queue_push(&pipeline->incoming, question);
    pthread_mutex_unlock(&pipeline->lock);
    if (stopping) {
        atomic_fetch_sub(&pipeline->waiting_count, 1);
        return error_set(error, FAULT_SHUTTING_DOWN, "the pipeline is stopping");
    }
    if (was_empty)
        wake(pipeline);
    return true;
}

bool db_pipeline_connected(const struct db_pipeline *pipeline)
{
    return atomic_load(&pipeline->up_count) > 0;
}

void db_pipeline_trouble(struct db_pipeline *pipeline, struct error *ret_trouble)
{
    pthread_mutex_lock(&pipeline->lock);
    *ret_trouble = pipeline->trouble;
    pthread_mutex_unlock(&pipeline->lock);
}

static size_t lane_count(const struct db_pipeline *pipeline)
{
    return (size_t)pipeline->options.connections;
}

/* Takes over what came in; false when it is time to stop. */
static bool collect(struct db_pipeline *pipeline)
{
    struct db_queue incoming;
    bool stopping;

    pthread_mutex_lock(&pipeline->lock);
    incoming = pipeline->incoming;
    pipeline->incoming = (struct db_queue){0};
    stopping = pipeline->stopping;
    pthread_mutex_unlock(&pipeline->lock);
    for (const struct db_question *question = incoming.first; question != NULL;
         question = question->next)
        if (question->deadline_boot_us < pipeline->earliest_boot_us)
            pipeline->earliest_boot_us = question->deadline_boot_us;
    db_queue_append(&pipeline->waiting, &incoming);
    return !stopping;
}

static void answer_waiting(struct db_pipeline *pipeline, const struct error *error)
{
    const struct db_rows none = {0};
    struct db_question *question;

    while ((question = db_queue_pop(&pipeline->waiting)) != NULL) {
        atomic_fetch_sub(&pipeline->waiting_count, 1);
        question->answer(question, &none, error);
    }
}

static void expire_waiting(struct db_pipeline *pipeline, int64_t now_boot_us)
{
    const struct db_rows none = {0};
    struct db_queue kept = {0};
    struct db_question *question;
    struct error error = {0};

    error_set(&error, FAULT_DEADLINE_PASSED, "waiting for the database");
    while ((question = db_queue_pop(&pipeline->waiting)) != NULL) {
        if (question->deadline_boot_us > now_boot_us) {
            if (question->deadline_boot_us < pipeline->earliest_boot_us)
                pipeline->earliest_boot_us = question->deadline_boot_us;
            db_queue_push(&kept, question);
            continue;
        }
        atomic_fetch_sub(&pipeline->waiting_count, 1);
        question->answer(question, &none, &error);
    }
    pipeline->waiting = kept;
}

static void expire(struct db_pipeline *pipeline, int64_t now_boot_us)
{
    if (now_boot_us < pipeline->earliest_boot_us)
        return;
    pipeline->earliest_boot_us = INT64_MAX;
    expire_waiting(pipeline, now_boot_us);
    for (size_t i = 0; i < lane_count(pipeline); i++)
        db_lane_expire(&pipeline->lanes[i], now_boot_us, &pipeline->earliest_boot_us);
}

static struct db_lane *choose_lane(struct db_pipeline *pipeline)
{
    struct db_lane *chosen = NULL;

    for (size_t i = 0; i < lane_count(pipeline); i++) {
        struct db_lane *lane = &pipeline->lanes[i];
        if (db_lane_may_send(lane) && (chosen == NULL || lane->count < chosen->count))
            chosen = lane;
    }
    return chosen;
}

static void send_waiting(struct db_pipeline *pipeline)
{
    struct db_lane *lane;

    while (pipeline->waiting.count > 0 && (lane = choose_lane(pipeline)) != NULL) {
        size_t before = pipeline->waiting.count;
        db_lane_send(lane, &pipeline->waiting);
        atomic_fetch_sub(&pipeline->waiting_count, before - pipeline->waiting.count);
    }
}

/* No connection, and an attempt to get one has failed: whoever asks is better told at once. */
static bool is_away(const struct db_pipeline *pipeline)
{
    bool failed = false;

    for (size_t i = 0; i < lane_count(pipeline); i++) {
        if (db_lane_is_up(&pipeline->lanes[i]))
            return false;
        failed = failed || pipeline->lanes[i].failures > 0;
    }
    return failed;
}

/* Tells the other threads how the connections are. */
static void publish(struct db_pipeline *pipeline)
{
    int up_count = 0;

    for (size_t i = 0; i < lane_count(pipeline); i++) {
        struct db_lane *lane = &pipeline->lanes[i];
        up_count += db_lane_is_up(lane);
        if (lane->trouble.fault == FAULT_NONE || db_lane_is_up(lane))
            continue;
        pthread_mutex_lock(&pipeline->lock);
        pipeline->trouble = lane->trouble;
        pthread_mutex_unlock(&pipeline->lock);
    }
    atomic_store(&pipeline->up_count, up_count);
}

static int poll_timeout_ms(const struct db_pipeline *pipeline, int64_t now_boot_us)
{
    int64_t due = pipeline->earliest_boot_us;

    for (size_t i = 0; i < lane_count(pipeline); i++) {
        int64_t lane_due = db_lane_due_boot_us(&pipeline->lanes[i]);
        if (lane_due < due)
            due = lane_due;
    }
    if (due <= now_boot_us)
        return 0;
    if (due - now_boot_us > INT64_C(60000000))
        return 60000;
    return (int)((due - now_boot_us + 999) / 1000);
}

static void wait_and_handle(struct db_pipeline *pipeline)
{
    struct pollfd entries[1 + CONNECTIONS_MAX] = {{.fd = pipeline->wake_fd, .events = POLLIN}};
    size_t count = lane_count(pipeline);
    uint64_t wakes;
    size_t before;

    for (size_t i = 0; i < count; i++) {
        short events = db_lane_events(&pipeline->lanes[i]);
        entries[1 + i].fd = events != 0 ? PQsocket(pipeline->lanes[i].link.pg) : -1;
        entries[1 + i].events = events;
    }
    if (poll(entries, 1 + count, poll_timeout_ms(pipeline, clock_boot_us())) <= 0)
        return;
    if (entries[0].revents != 0)
        (void)!read(pipeline->wake_fd, &wakes, sizeof wakes);
    before = pipeline->waiting.count;
    for (size_t i = 0; i < count; i++)
        if (entries[1 + i].revents != 0)
            db_lane_handle(&pipeline->lanes[i], &pipeline->waiting);
    atomic_fetch_add(&pipeline->waiting_count, pipeline->waiting.count - before);
}

static void *run(void *argument)
{
    struct db_pipeline *pipeline = argument;
    struct error error = {0};

    while (collect(pipeline)) {
        int64_t now_boot_us = clock_boot_us();
        for (size_t i = 0; i < lane_count(pipeline); i++)
            db_lane_tick(&pipeline->lanes[i], now_boot_us);
        expire(pipeline, now_boot_us);
        send_waiting(pipeline);
        publish(pipeline);
        if (is_away(pipeline)) {
            error_set(&error, FAULT_DATABASE_UNAVAILABLE, "%s", pipeline->trouble.detail);
            answer_waiting(pipeline, &error);
        }
        wait_and_handle(pipeline);
    }
    error_set(&error, FAULT_SHUTTING_DOWN, "the pipeline is stopping");
    answer_waiting(pipeline, &error);
    for (size_t i = 0; i < lane_count(pipeline); i++)
        db_lane_done(&pipeline->lanes[i], &error);
    return NULL;
}

static struct db_pipeline *pipeline_free(struct db_pipeline *pipeline)
{
    if (pipeline->wake_fd >= 0)
        close(pipeline->wake_fd);
    pthread_mutex_destroy(&pipeline->lock);
    free(pipeline);
    return NULL;
}

struct db_pipeline *db_pipeline_start(const struct db_pipeline_options *options,
                                      struct error *error)
{
    struct db_pipeline *pipeline;

    assert(options->connections >= 1 && options->connections <= CONNECTIONS_MAX);
    assert(options->in_flight_max >= 1 && options->in_flight_max <= DB_IN_FLIGHT_MAX);
    if (!db_link_check(options->connection.conninfo, error))
        return NULL;
    pipeline = calloc(1, sizeof *pipeline);
    if (pipeline == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "starting a pipeline");
        return NULL;
    }
    pipeline->options = *options;
    pipeline->earliest_boot_us = INT64_MAX;
    pthread_mutex_init(&pipeline->lock, NULL);
    for (size_t i = 0; i < lane_count(pipeline); i++)
        db_lane_init(&pipeline->lanes[i], &pipeline->options.connection, options->in_flight_max);
    pipeline->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pipeline->wake_fd < 0 || pthread_create(&pipeline->thread, NULL, run, pipeline) != 0) {
        error_set(error, FAULT_IO_FAILED, "starting a pipeline's thread");
        return pipeline_free(pipeline);
    }
    return pipeline;
}

struct db_pipeline *db_pipeline_stop(struct db_pipeline *pipeline)
{
    if (pipeline == NULL)
        return NULL;
    pthread_mutex_lock(&pipeline->lock);
    pipeline->stopping = true;
    pthread_mutex_unlock(&pipeline->lock);
    wake(pipeline);
    pthread_join(pipeline->thread, NULL);
    return pipeline_free(pipeline);
}
