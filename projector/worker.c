/* A worker: the thread, its loop, and patience. */
#include "projector/worker.h"

#include "lib/core/backoff.h"
#include "lib/core/clock.h"
#include "lib/core/condition.h"
#include "lib/core/logger.h"
#include "lib/core/shutdown.h"
#include "lib/log/kafka_port.h"
#include "projector/parking.h"
#include "projector/positions.h"
#include <assert.h>
#include <stdlib.h>
#include <time.h>

#define FENCED_MS_MAX 500 /* a swap fences as another projector does, and is over at once */
#define IDLE_MS       100 /* all its views are apart */
/* Beyond its limit a batch may grow by one poll of the largest records, and by what decoding adds.
 */
#define BATCH_HEADROOM_BYTES ((size_t)256 * 1024 * 1024)

static const struct backoff patience = {.min_us = 50000, .max_us = 5000000};

static void init_waiting(struct worker *worker)
{
    (void)pthread_mutex_init(&worker->mutex, NULL);
    condition_init(&worker->changed);
}

/* Of positions, parking and the fingerprint, two of each view, and NULL. */
static size_t statements_max(size_t room)
{
    size_t positions = 0, parking = 0;
    while (position_statements[positions] != NULL)
        positions++;
    while (parking_statements[parking] != NULL)
        parking++;
    return positions + parking + 2 * room + 2;
}

static bool make_lists(struct worker *worker, size_t room, struct error *error)
{
    worker->set.items = calloc(room + 1, sizeof(struct projection *));
    worker->apart = calloc(room + 1, sizeof(struct worker *));
    worker->statements = calloc(statements_max(room), sizeof(struct db_statement *));
    worker->held = calloc((size_t)worker->config->partitions, sizeof(*worker->held));
    return (worker->set.items != NULL && worker->apart != NULL && worker->statements != NULL &&
            worker->held != NULL) ||
           error_set(error, FAULT_OUT_OF_MEMORY, "a worker of %zu views", room);
}

struct worker *worker_create(const struct projector_config *config, struct share *share,
                             size_t room, struct error *error)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "a worker");
        return NULL;
    }
    size_t batch_bytes = (size_t)config->batch_bytes + BATCH_HEADROOM_BYTES;
    worker->config = config;
    worker->share = share;
    if (share != NULL)
        share_join(share, &worker->sharer);
    worker->reading = &worker->batches[0];
    worker->writing = &worker->batches[1];
    init_waiting(worker);
    if (make_lists(worker, room, error) &&
        feeds_create((int32_t)config->partitions, &worker->feeds, error) &&
        batch_init(&worker->batches[0], worker->feeds.count, batch_bytes, error) &&
        batch_init(&worker->batches[1], worker->feeds.count, batch_bytes, error))
        return worker;
    return worker_destroy(worker);
}

void worker_add(struct worker *worker, struct projection *projection)
{
    worker->set.items[worker->set.count++] = projection;
    event_set_add(&worker->batches[0].wanted, projection->view);
    event_set_add(&worker->batches[1].wanted, projection->view);
}

void worker_pause(struct worker *worker, int timeout_ms)
{
    struct timespec until = condition_deadline(timeout_ms * INT64_C(1000));
    (void)pthread_mutex_lock(&worker->mutex);
    int timed_out = 0;
    while (!atomic_load(&worker->stopping) && timed_out == 0)
        timed_out = pthread_cond_timedwait(&worker->changed, &worker->mutex, &until);
    (void)pthread_mutex_unlock(&worker->mutex);
}

static const char *name_of(const struct worker *worker)
{
    return worker->set.count == 1 ? worker->set.items[0]->view->name : "all";
}

/* Something was achieved: what went wrong before is over. */
static void recovered(struct worker *worker)
{
    if (worker->attempts > 0)
        log_info("view_goes_on", LOG_STRING("view", name_of(worker)),
                 LOG_NUMBER("attempts", worker->attempts));
    worker->attempts = 0;
    worker->waiting = (struct error){0};
}

/* Said once per kind of trouble, not at each attempt. */
static void say_waiting(const struct worker *worker, const struct error *error)
{
    if (worker->attempts > 0 && worker->waiting.fault == error->fault)
        return;
    log_warning("view_waits", LOG_STRING("view", name_of(worker)), LOG_ERROR(error));
}

static void refuse(struct worker *worker, const struct error *error)
{
    log_error("view_refuses_to_start", LOG_STRING("view", name_of(worker)), LOG_ERROR(error));
    atomic_store(&worker->refused, true);
    if (worker->home != NULL)
        atomic_store(&worker->home->refused, true);
    shutdown_request();
}

static void begin_again_later(struct worker *worker, const struct error *error)
{
    say_waiting(worker, error);
    worker_end_session(worker, error);
    worker->attempts++;
    worker_report(worker);
    int pause_ms = (int)(backoff_draw_us(&patience, worker->attempts) / 1000);
    if (error->fault == FAULT_OVERLOADED && pause_ms > FENCED_MS_MAX)
        pause_ms = FENCED_MS_MAX;
    if (worker->set.count > 0)
        worker_pause(worker, pause_ms);
}

/* Until it fails, its set changes, or its only view can return. */
static void run_session(struct worker *worker)
{
    struct error error = {0};
    int64_t written_before = worker->written_boot_us;
    size_t count = worker->set.count;
    while (!atomic_load(&worker->stopping)) {
        enum turn_outcome outcome = worker_turn(worker, &error);
        if (outcome == TURN_MOVED)
            return;
        if (outcome != TURN_FINE) {
            begin_again_later(worker, &error);
            return;
        }
        worker_report(worker);
        if (worker->attempts > 0 &&
            (worker->written_boot_us != written_before || worker_is_at_end(worker)))
            recovered(worker);
        if (worker_is_done(worker)) {
            atomic_store(&worker->returned, true);
            return;
        }
        if (worker_take_back(worker) || worker->set.count != count)
            return;
    }
}

/* All its views are apart. */
static void idle(struct worker *worker)
{
    worker->attempts = 0;
    worker->waiting = (struct error){0};
    if (worker->share != NULL)
        share_put(worker->share, &worker->sharer);
    worker_pause(worker, IDLE_MS);
    (void)worker_take_back(worker);
}

static void *run(void *self)
{
    struct worker *worker = self;
    while (!atomic_load(&worker->stopping) && !atomic_load(&worker->returned)) {
        struct error error = {0};
        if (worker->set.count == 0) {
            idle(worker);
        } else if (worker_begin_session(worker, &error)) {
            run_session(worker);
        } else if (error.fault == FAULT_CONFIG_INVALID && !worker->beside) {
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
        return error_set(error, FAULT_IO_FAILED, "a thread for views: error %d", failed);
    worker->started = true;
    return true;
}

static void stop(struct worker *worker)
{
    (void)pthread_mutex_lock(&worker->mutex);
    atomic_store(&worker->stopping, true);
    (void)pthread_cond_signal(&worker->changed);
    (void)pthread_mutex_unlock(&worker->mutex);
    if (worker->started)
        (void)pthread_join(worker->thread, NULL);
}

struct worker *worker_destroy(struct worker *worker)
{
    if (worker == NULL)
        return NULL;
    stop(worker);
    while (worker->apart_count > 0)
        (void)worker_destroy(worker->apart[--worker->apart_count]);
    if (worker->reader != NULL)
        log_reader_destroy(worker->reader);
    worker->port = kafka_port_destroy(worker->port);
    worker->connection = db_close(worker->connection);
    batch_done(&worker->batches[0]);
    batch_done(&worker->batches[1]);
    feeds_destroy(&worker->feeds);
    if (worker->share != NULL)
        share_leave(worker->share, &worker->sharer);
    (void)pthread_cond_destroy(&worker->changed);
    (void)pthread_mutex_destroy(&worker->mutex);
    free(worker->set.items);
    free(worker->apart);
    free(worker->held);
    free(worker->statements);
    free(worker);
    return NULL;
}
