/* One view's worker: a thread with a reader, a connection and the view's rows of its own. It works
 * in sessions: a session begins at the positions the database has, and whatever goes wrong ends it;
 * the next one begins at the positions again. So there is one way to recover, for every kind of
 * failure. */
#pragma once

#include "lib/log/reader.h"
#include "projector/config.h"
#include "projector/flush.h"
#include "projector/health.h"
#include "projector/metrics.h"
#include <pthread.h>
#include <stdatomic.h>

struct worker {
    const struct view *view;
    const struct projector_config *config;
    struct health health;
    struct view_metrics metrics;

    /* The rest belongs to the thread. */
    struct sources sources;
    struct batch batch;
    struct cache cache;
    struct fold fold;
    const struct db_statement **statements;
    struct log_port *port;
    struct log_reader *reader;
    struct db_connection *connection;
    struct health_report report;
    struct error intake;     /* why something could not be taken over; FAULT_NONE: all was */
    int64_t written_boot_us; /* the last transaction */
    size_t last_events;      /* in it */
    int64_t started_boot_us;
    bool log_was_connected;
    uint32_t attempts; /* sessions begun since something was last achieved */

    pthread_t thread;
    bool started;
    pthread_mutex_t stop_mutex;
    pthread_cond_t stop_changed;
    atomic_bool stopping;
    atomic_bool refused; /* stopped by itself: it must not run with this configuration */
};

/* `config` and `arena` (for metrics' labels) must outlive it. */
MUST_CHECK struct worker *worker_create(const struct view *view,
                                        const struct projector_config *config, struct arena *arena,
                                        struct error *error);
MUST_CHECK bool worker_start(struct worker *worker, struct error *error);
/* Ends the thread after its present turn. NULL accepted; returns NULL. */
struct worker *worker_destroy(struct worker *worker);

/* On its thread: until worker_destroy stops it, or timeout. */
void worker_pause(struct worker *worker, int timeout_ms);

/* session.c: connect, check, read positions, attach. */
MUST_CHECK bool worker_begin_session(struct worker *worker, struct error *error);
void worker_end_session(struct worker *worker, const struct error *error);

/* turn.c: collect a batch, fold it, write it. */
enum turn_outcome {
    TURN_FINE,
    TURN_FENCED, /* another projector has written: begin again */
    TURN_FAILED, /* see the error: begin again later */
};
MUST_CHECK enum turn_outcome worker_turn(struct worker *worker, struct error *error);
extern const struct log_reader_handler worker_intake; /* .self is the worker */

/* report.c: heartbeat, lag and halts, for /ready and /metrics. */
void worker_report(struct worker *worker);
/* There is nothing on the log that is not stored, as of the last report. */
bool worker_is_at_end(const struct worker *worker);
