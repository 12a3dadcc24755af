/* A turn of a worker: collect what the log has, write it, and collect more meanwhile. */
#include "lib/core/clock.h"
#include "projector/worker.h"

#define POLL_RECORDS_MAX 256 /* at once, so that a batch's bytes are looked at in between */
#define POLL_TIMEOUT_MS  200 /* a heartbeat and a look at `stopping` at least that often */
#define PACED_EVENTS_MIN 16  /* a batch of that many means load */
/* Positions alone, over void and platform records, are written that often. */
#define ADVANCE_MS 100
/* All positions are told that often, moved or not: their age says that the projector lives. */
#define HEARD_MS 1000

static void take_commit(void *self, int32_t number, const struct log_event *events, size_t count,
                        const struct log_position *after)
{
    struct worker *worker = self;
    size_t feed = worker->feeds.by_number[number];
    struct read_commit commit = {.events = events, .count = count, .after = after};
    if (worker->intake.fault == FAULT_NONE)
        (void)!batch_add(worker->reading, feed, worker->feeds.items[feed].context, &commit,
                         &worker->intake);
}

static void take_advance(void *self, int32_t number, const struct log_position *after)
{
    struct worker *worker = self;
    batch_advance(worker->reading, worker->feeds.by_number[number], after);
}

/* What reading again would meet again. */
static bool is_of_the_log(enum fault fault)
{
    return fault == FAULT_LOG_REPLACED || fault == FAULT_LOG_TRUNCATED ||
           fault == FAULT_LOG_FAILED || fault == FAULT_DATA_CORRUPT;
}

static void halt_readers(struct worker *worker, size_t feed, const struct error *error)
{
    const struct batch_end *end = &worker->reading->ends[feed];
    for (size_t i = 0; i < worker->set.count; i++) {
        struct source *source = worker->set.items[i]->sources.by_feed[feed];
        if (source == NULL)
            continue;
        int64_t next = end->moved && end->read.next > source->target.next ? end->read.next
                                                                          : source->target.next;
        source_halt(source, next, (struct text){0}, (struct text){0}, error);
    }
}

/* Whatever is wrong on our side ends the session; the next one reads again. So it does when the log
 * contradicts views that stand at different places: alone, each finds out whether it is meant. */
static void take_stop(void *self, int32_t number, const struct error *error)
{
    struct worker *worker = self;
    size_t feed = worker->feeds.by_number[number];
    worker->feeds.items[feed].attached = false;
    if (is_of_the_log(error->fault) && !worker->feeds.items[feed].disputed)
        halt_readers(worker, feed, error);
    else if (worker->intake.fault == FAULT_NONE)
        worker->intake = *error;
}

const struct log_reader_handler worker_intake = {
    .commit = take_commit,
    .advanced = take_advance,
    .stopped = take_stop,
};

static int64_t ms_since(int64_t boot_us)
{
    return (clock_boot_us() - boot_us) / 1000;
}

static int poll_timeout_ms(const struct worker *worker)
{
    int64_t left_ms = HEARD_MS - ms_since(worker->heard_boot_us);
    if (worker->reading->moved && ADVANCE_MS - ms_since(worker->written_boot_us) < left_ms)
        left_ms = ADVANCE_MS - ms_since(worker->written_boot_us);
    if (left_ms <= 0 || worker->reading->commit_count > 0)
        return 0;
    return left_ms < POLL_TIMEOUT_MS ? (int)left_ms : POLL_TIMEOUT_MS;
}

static bool is_full(const struct worker *worker)
{
    const struct batch *batch = worker->reading;
    return batch->event_count >= (size_t)worker->config->batch_events ||
           batch->commit_count >= (size_t)worker->config->batch_events ||
           batch->bytes >= (size_t)worker->config->batch_bytes;
}

/* Takes what is there, and no more than a batch's worth. Waits only for the first. */
static bool collect(struct worker *worker, int timeout_ms, struct error *error)
{
    while (!is_full(worker)) {
        size_t left = (size_t)worker->config->batch_events - worker->reading->commit_count;
        if (log_reader_poll(worker->reader, left < POLL_RECORDS_MAX ? left : POLL_RECORDS_MAX,
                            timeout_ms) == 0)
            break;
        timeout_ms = 0;
    }
    if (worker->intake.fault == FAULT_NONE)
        return true;
    *error = worker->intake;
    return false;
}

/* A steady stream of events would make a transaction of every few: then a little patience saves the
 * database, and the log, most of their work. A lone event never waits, nor does a full batch. */
static void pace(struct worker *worker)
{
    int64_t left_ms = worker->config->pace_ms - ms_since(worker->written_boot_us);
    if (worker->last_events >= PACED_EVENTS_MIN && !is_full(worker) && left_ms > 0)
        worker_pause(worker, (int)left_ms);
}

static void swap_batches(struct worker *worker)
{
    struct batch *full = worker->reading;
    worker->reading = worker->writing;
    worker->writing = full;
}

/* The database works on one batch while the next one is read and decoded. */
static enum turn_outcome write_and_collect(struct worker *worker, bool all, struct error *error)
{
    struct error collecting = {0};
    bool sent, collected = true;
    enum turn_outcome outcome = worker_write_begin(worker, all, &sent, error);
    if (outcome == TURN_FINE && sent) {
        collected = collect(worker, 0, &collecting);
        outcome = worker_write_end(worker, error);
    }
    if (outcome != TURN_FINE || collected)
        return outcome;
    *error = collecting;
    return TURN_FAILED;
}

static void observe_batch(struct worker *worker, int64_t begun_boot_us)
{
    int64_t took_us = clock_boot_us() - begun_boot_us;
    for (size_t i = 0; i < worker->set.count; i++)
        metric_observe_us(VIEW_METRIC_OF(&worker->set.items[i]->metrics, batch), took_us);
}

/* Other partitions are to be worked: what was read is written first, so that those which stay are
 * read on from here. Whoever has them by now fences it, and nothing is lost. */
static enum turn_outcome move(struct worker *worker, struct error *error)
{
    bool sent;
    if (!worker->reading->moved)
        return TURN_MOVED;
    swap_batches(worker);
    enum turn_outcome outcome = worker_write_begin(worker, false, &sent, error);
    if (outcome == TURN_FINE && sent)
        outcome = worker_write_end(worker, error);
    batch_clear(worker->writing);
    return outcome == TURN_FAILED ? outcome : TURN_MOVED;
}

enum turn_outcome worker_turn(struct worker *worker, struct error *error)
{
    if (worker->share != NULL && share_has_changed(worker->share, &worker->sharer))
        return move(worker, error);
    pace(worker);
    if (!collect(worker, poll_timeout_ms(worker), error))
        return TURN_FAILED;
    bool advance = worker->reading->moved && ms_since(worker->written_boot_us) >= ADVANCE_MS;
    bool all = ms_since(worker->heard_boot_us) >= HEARD_MS;
    if (worker->reading->commit_count == 0 && !advance && !all)
        return TURN_FINE;
    swap_batches(worker);
    int64_t begun_boot_us = clock_boot_us();
    worker->last_events = worker->writing->event_count;
    enum turn_outcome outcome = write_and_collect(worker, all, error);
    if (outcome != TURN_FINE)
        return outcome;
    if (worker->writing->commit_count > 0)
        observe_batch(worker, begun_boot_us);
    if (all)
        worker->heard_boot_us = clock_boot_us();
    batch_clear(worker->writing);
    return TURN_FINE;
}
