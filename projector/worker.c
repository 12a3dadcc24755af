/* One view's worker: the thread, its loop, and patience. */
#include "projector/worker.h"

#include "lib/core/clock.h"
#include "lib/core/id.h"
#include "lib/core/logger.h"
#include "lib/core/shutdown.h"
#include "lib/log/kafka_port.h"
#include "projector/fingerprint.h"
#include "projector/positions.h"
#include <assert.h>
#include <stdlib.h>
#include <time.h>

#define BACKOFF_MS_MIN 50
#define BACKOFF_MS_MAX 5000
/* Beyond its limit a batch may grow by one poll of the largest records, and by what decoding adds.
 */
#define BATCH_HEADROOM_BYTES ((size_t)256 * 1024 * 1024)

static const struct db_statement **list_statements(const struct view *view)
{
    size_t count = 0;
    while (position_statements[count] != NULL)
        count++;
    const struct db_statement **list = calloc(count + 4, sizeof(struct db_statement *));
    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        list[i] = position_statements[i];
    list[count] = &fingerprint_read;
    list[count + 1] = view->load;
    list[count + 2] = view->upsert;
    return list;
}

struct worker *worker_create(const struct view *view, const struct projector_config *config,
                             struct arena *arena, struct error *error)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "worker of %s", view->name);
        return NULL;
    }
    size_t batch_bytes = (size_t)config->batch_bytes + BATCH_HEADROOM_BYTES;
    worker->view = view;
    worker->config = config;
    health_init(&worker->health);
    batch_init(&worker->batch, view, batch_bytes);
    cache_init(&worker->cache, view->row, view->key, (size_t)config->cache_bytes, batch_bytes);
    fold_init(&worker->fold, view, &worker->cache, &worker->batch);
    (void)pthread_mutex_init(&worker->stop_mutex, NULL);
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&worker->stop_changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    worker->statements = list_statements(view);
    if (worker->statements == NULL)
        error_set(error, FAULT_OUT_OF_MEMORY, "worker of %s", view->name);
    else if (sources_create(view, (int32_t)config->partitions, &worker->sources, error) &&
             view_metrics_init(&worker->metrics, view->name, &worker->sources, arena, error))
        return worker;
    return worker_destroy(worker);
}

/* Doubling, capped, and spread over half of itself so that two do not wait in step. */
static int backoff_ms(uint32_t attempts)
{
    int ms = BACKOFF_MS_MIN;
    for (uint32_t i = 1; i < attempts && ms < BACKOFF_MS_MAX; i++)
        ms *= 2;
    if (ms > BACKOFF_MS_MAX)
        ms = BACKOFF_MS_MAX;
    uint32_t drawn;
    random_fill(&drawn, sizeof(drawn));
    return ms / 2 + (int)(drawn % (uint32_t)(ms / 2 + 1));
}

void worker_pause(struct worker *worker, int timeout_ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&worker->stop_mutex);
    int timed_out = 0;
    while (!atomic_load(&worker->stopping) && timed_out == 0)
        timed_out = pthread_cond_timedwait(&worker->stop_changed, &worker->stop_mutex, &until);
    (void)pthread_mutex_unlock(&worker->stop_mutex);
}

/* Something was achieved: what went wrong before is over. */
static void recovered(struct worker *worker)
{
    if (worker->attempts > 0)
        log_info("view_goes_on", LOG_STRING("view", worker->view->name),
                 LOG_NUMBER("attempts", worker->attempts));
    worker->attempts = 0;
    worker->report.waiting = (struct error){0};
}

/* Said once per kind of trouble, not at each attempt. */
static void say_waiting(struct worker *worker, enum fault before, const struct error *error)
{
    if (worker->attempts > 0 && before == error->fault)
        return;
    log_warning("view_waits", LOG_STRING("view", worker->view->name), LOG_ERROR(error));
}

static void refuse(struct worker *worker, const struct error *error)
{
    log_error("view_refuses_to_start", LOG_STRING("view", worker->view->name), LOG_ERROR(error));
    atomic_store(&worker->refused, true);
    shutdown_request();
}

static void begin_again_later(struct worker *worker, const struct error *error)
{
    say_waiting(worker, worker->report.waiting.fault, error);
    worker_end_session(worker, error);
    worker->attempts++;
    worker_report(worker);
    worker_pause(worker, backoff_ms(worker->attempts));
}

static void run_session(struct worker *worker)
{
    struct error error = {0};
    int64_t written_before = worker->written_boot_us;
    enum turn_outcome outcome = TURN_FINE;
    while (outcome == TURN_FINE && !atomic_load(&worker->stopping)) {
        outcome = worker_turn(worker, &error);
        if (outcome != TURN_FINE)
            break;
        worker_report(worker);
        if (worker->attempts > 0 &&
            (worker->written_boot_us != written_before || worker_is_at_end(worker)))
            recovered(worker);
    }
    if (outcome == TURN_FENCED) {
        metric_add(VIEW_METRIC_OF(&worker->metrics, fenced), 1);
        error_set(&error, FAULT_OVERLOADED, "another projector writes %s", worker->view->schema);
    }
    if (outcome != TURN_FINE)
        begin_again_later(worker, &error);
}

static void *run(void *self)
{
    struct worker *worker = self;
    worker->started_boot_us = clock_boot_us();
    while (!atomic_load(&worker->stopping)) {
        struct error error = {0};
        if (worker_begin_session(worker, &error)) {
            run_session(worker);
        } else if (error.fault == FAULT_CONFIG_INVALID) {
            refuse(worker, &error);
            break;
        } else {
            begin_again_later(worker, &error);
        }
    }
    return NULL;
}

bool worker_start(struct worker *worker, struct error *error)
{
    int failed = pthread_create(&worker->thread, NULL, run, worker);
    if (failed != 0)
        return error_set(error, FAULT_IO_FAILED, "a thread for %s: error %d", worker->view->name,
                         failed);
    worker->started = true;
    return true;
}

static void stop(struct worker *worker)
{
    (void)pthread_mutex_lock(&worker->stop_mutex);
    atomic_store(&worker->stopping, true);
    (void)pthread_cond_signal(&worker->stop_changed);
    (void)pthread_mutex_unlock(&worker->stop_mutex);
    if (worker->started)
        (void)pthread_join(worker->thread, NULL);
}

struct worker *worker_destroy(struct worker *worker)
{
    if (worker == NULL)
        return NULL;
    stop(worker);
    if (worker->reader != NULL)
        log_reader_destroy(worker->reader);
    worker->port = kafka_port_destroy(worker->port);
    worker->connection = db_close(worker->connection);
    fold_done(&worker->fold);
    cache_done(&worker->cache);
    batch_done(&worker->batch);
    sources_destroy(&worker->sources);
    health_done(&worker->health);
    (void)pthread_cond_destroy(&worker->stop_changed);
    (void)pthread_mutex_destroy(&worker->stop_mutex);
    free(worker->statements);
    free(worker);
    return NULL;
}
