/* A worker keeps views: a thread with one reader, one connection and one transaction for all. Its
 * sessions begin at the positions the database has and end with whatever goes wrong. The shared
 * worker keeps all views; one that would hold up the others (far behind, fenced, refused by the
 * database) goes apart, to a worker of its own, until it has caught up. */
#pragma once

#include "lib/log/reader.h"
#include "projector/projection.h"
#include "projector/share.h"
#include <pthread.h>
#include <stdatomic.h>

struct worker {
    const struct projector_config *config;
    struct worker *home;       /* where its view returns to; NULL: it is the shared one */
    struct projection_set set; /* has room for all views; the views are borrowed */
    struct share *share;       /* says which partitions to work; NULL: all */

    /* The rest belongs to the thread. */
    struct feeds feeds;
    struct batch batches[2];
    struct batch *reading; /* what is being collected */
    struct batch *writing; /* what is being folded and written, while more is collected */
    const struct db_statement **statements;
    bool *held; /* by partition, as taken from the share */
    struct sharer sharer;
    struct log_port *port;
    struct log_reader *reader;
    struct db_connection *connection;
    struct error intake;     /* why something could not be taken over; FAULT_NONE: all was */
    struct error waiting;    /* why it cannot work at present; FAULT_NONE: it can */
    int64_t written_boot_us; /* the last transaction that moved something */
    int64_t heard_boot_us;   /* the last one that told about all positions */
    size_t last_events;      /* in the last transaction */
    bool log_was_connected;
    bool beside; /* its tables may be dropped at any time: that is no reason to stop the process */
    uint32_t attempts;     /* sessions begun since something was last achieved */
    struct worker **apart; /* workers that keep one of its views; room for all views */
    size_t apart_count;

    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* stopping */
    atomic_bool stopping;
    atomic_bool returned; /* its thread has ended because its view has caught up */
    atomic_bool refused;  /* stopped by itself: it must not run with this configuration */
};

/* `share` must outlive it. `room`: how many views it may ever have; it has none yet. */
MUST_CHECK struct worker *worker_create(const struct projector_config *config, struct share *share,
                                        size_t room, struct error *error);
/* Before it starts, or on its thread. */
void worker_add(struct worker *worker, struct projection *projection);
MUST_CHECK bool worker_start(struct worker *worker, struct error *error);
/* Ends the thread after its present turn, and the workers apart. NULL accepted; returns NULL. */
struct worker *worker_destroy(struct worker *worker);

/* On its thread: until worker_destroy stops it, or timeout. */
void worker_pause(struct worker *worker, int timeout_ms);

/* session.c: connect, check, read positions, attach. */
MUST_CHECK bool worker_begin_session(struct worker *worker, struct error *error);
void worker_end_session(struct worker *worker, const struct error *error);

enum turn_outcome {
    TURN_FINE = 1,
    TURN_MOVED,  /* it shall work other partitions: begin again */
    TURN_FENCED, /* another projector has written: begin again */
    TURN_FAILED, /* see the error: begin again later */
};

/* turn.c: collect a batch, write it, and collect more meanwhile. */
MUST_CHECK enum turn_outcome worker_turn(struct worker *worker, struct error *error);
extern const struct log_reader_handler worker_intake; /* .self is the worker */

/* write.c: fold and send what `writing` holds; then learn what came of it. */
MUST_CHECK enum turn_outcome worker_write_begin(struct worker *worker, bool all, bool *ret_sent,
                                                struct error *error);
MUST_CHECK enum turn_outcome worker_write_end(struct worker *worker, struct error *error);

/* apart.c: hands the view over. False: there is no other here, it has to be dealt with. */
bool worker_send_apart(struct worker *worker, struct projection *projection,
                       const struct error *why);
/* Takes over those that are back. True: a session has to begin, for the others too. */
bool worker_take_back(struct worker *worker);
/* An apart worker's view can return. */
bool worker_is_done(const struct worker *worker);

/* report.c: heartbeat, lag and halts, for /ready and /metrics. */
void worker_report(struct worker *worker);
/* There is nothing on the log that is not stored, as of the last report. */
bool worker_is_at_end(const struct worker *worker);
