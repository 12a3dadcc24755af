/* A turn of a worker: collect what the log has, fold it into rows, write rows and positions. */
#include "lib/core/clock.h"
#include "projector/positions.h"
#include "projector/worker.h"

#define POLL_RECORDS_MAX 256   /* at once, so that a batch's bytes are looked at in between */
#define POLL_TIMEOUT_MS  200   /* a heartbeat and a look at `stopping` at least that often */
#define PACED_EVENTS_MIN 16    /* a batch of that many means load */
#define PACE_US          20000 /* from one transaction to the next, under load */
/* Positions alone, over void and platform records, are written that often. */
#define ADVANCE_MS 100

static void take_commit(void *self, int32_t source, const struct log_event *events, size_t count,
                        const struct log_position *after)
{
    struct worker *worker = self;
    struct read_commit commit = {.events = events, .count = count, .after = after};
    if (worker->intake.fault == FAULT_NONE)
        (void)!batch_add(&worker->batch, &worker->sources, (size_t)source, &commit,
                         &worker->intake);
}

static void take_advance(void *self, int32_t source, const struct log_position *after)
{
    struct worker *worker = self;
    struct source *from = &worker->sources.items[source];
    if (!from->halt.halted)
        from->read = *after;
}

/* What reading again would meet again. */
static bool is_of_the_log(enum fault fault)
{
    return fault == FAULT_LOG_REPLACED || fault == FAULT_LOG_TRUNCATED ||
           fault == FAULT_LOG_FAILED || fault == FAULT_DATA_CORRUPT;
}

/* Whatever is wrong on our side ends the session; the next one reads again. */
static void take_stop(void *self, int32_t source, const struct error *error)
{
    struct worker *worker = self;
    if (!is_of_the_log(error->fault)) {
        if (worker->intake.fault == FAULT_NONE)
            worker->intake = *error;
        return;
    }
    struct source *from = &worker->sources.items[source];
    source_halt(from, from->read.next, (struct text){0}, (struct text){0}, error);
}

const struct log_reader_handler worker_intake = {
    .commit = take_commit,
    .advanced = take_advance,
    .stopped = take_stop,
};

static int poll_timeout_ms(const struct worker *worker)
{
    if (!sources_have_moved(&worker->sources))
        return POLL_TIMEOUT_MS;
    int64_t since_ms = (clock_boot_us() - worker->written_boot_us) / 1000;
    return since_ms >= ADVANCE_MS ? 0 : (int)(ADVANCE_MS - since_ms);
}

/* A steady stream of events would make a transaction of every few: then a little patience saves the
 * database, and the log, most of their work. A lone event never waits. */
static void pace(struct worker *worker)
{
    int64_t left_us = worker->written_boot_us + PACE_US - clock_boot_us();
    if (worker->last_events >= PACED_EVENTS_MIN &&
        worker->last_events < (size_t)worker->config->batch_events && left_us >= 1000)
        worker_pause(worker, (int)(left_us / 1000));
}

/* Takes what is there, and no more than a batch's worth. Waits only for the first. */
static bool collect(struct worker *worker, struct error *error)
{
    size_t records_max = (size_t)worker->config->batch_events;
    size_t records = 0;
    batch_clear(&worker->batch);
    pace(worker);
    int timeout_ms = poll_timeout_ms(worker);
    while (records < records_max && worker->batch.bytes < (size_t)worker->config->batch_bytes) {
        size_t left = records_max - records;
        size_t got = log_reader_poll(worker->reader,
                                     left < POLL_RECORDS_MAX ? left : POLL_RECORDS_MAX, timeout_ms);
        if (got == 0)
            break;
        records += got;
        timeout_ms = 0;
    }
    if (worker->intake.fault == FAULT_NONE)
        return true;
    *error = worker->intake;
    return false;
}

static void halt(struct worker *worker, const struct batch_commit *commit,
                 const struct batch_event *event, struct text key, const struct error *error)
{
    struct source *source = &worker->sources.items[commit->source];
    /* A commit none of whose events is read cannot fail but with its position. */
    int64_t offset = event != NULL ? event->offset : source->stored.next;
    struct text type = text_of(event != NULL ? event->record->full_name : NULL);
    source_halt(source, offset, type, key, error);
}

/* A refusal counts only if the rows are what the positions say: else another projector has written.
 * Later this is where a key is parked instead. */
static enum turn_outcome judge_refusal(struct worker *worker, struct error *error)
{
    const struct fold_refusal *refusal = &worker->fold.refusal;
    bool same;
    if (!positions_compare(worker->connection, &worker->sources, &worker->batch.arena, &same,
                           error))
        return TURN_FAILED;
    if (!same)
        return TURN_FENCED;
    struct error cause = {0};
    error_set(&cause, FAULT_DATA_CORRUPT,
              "the view refuses version %lld: the row is not at the version before, or the event "
              "does not fit it",
              (long long)refusal->event->view.version);
    halt(worker, refusal->commit, refusal->event, refusal->key, &cause);
    return TURN_FINE;
}

/* Folds until nothing is refused any more: each refusal halts one source more. */
static enum turn_outcome fold_all(struct worker *worker, size_t first, size_t end,
                                  struct error *error)
{
    for (;;) {
        if (!fold_commits(&worker->fold, &worker->sources, first, end, worker->connection, error))
            return TURN_FAILED;
        if (worker->fold.refusal.commit == NULL)
            return TURN_FINE;
        fold_undo(&worker->fold);
        enum turn_outcome judged = judge_refusal(worker, error);
        if (judged != TURN_FINE)
            return judged;
    }
}

static enum turn_outcome keep(struct worker *worker, struct error *error)
{
    bool moved = false;
    for (size_t i = 0; i < worker->sources.count; i++)
        moved =
            moved || worker->sources.items[i].target.next != worker->sources.items[i].stored.next;
    metric_add(VIEW_METRIC_OF(&worker->metrics, rows), (int64_t)worker->fold.row_count);
    sources_stored(&worker->sources);
    if (moved) {
        worker->written_boot_us = clock_boot_us();
        worker->report.progress_boot_us = worker->written_boot_us;
        metric_add(VIEW_METRIC_OF(&worker->metrics, transactions), 1);
    }
    return fold_keep(&worker->fold, error) ? TURN_FINE : TURN_FAILED;
}

/* One transaction for the commits first to end - 1. */
static enum turn_outcome write_once(struct worker *worker, size_t first, size_t end,
                                    struct error *error)
{
    enum turn_outcome folded = fold_all(worker, first, end, error);
    if (folded != TURN_FINE)
        return folded;
    if (end == worker->batch.commit_count)
        sources_target_all_read(&worker->sources);
    enum flush_outcome flushed =
        flush_write(&worker->fold, &worker->sources, worker->connection, error);
    if (flushed == FLUSH_DONE)
        return keep(worker, error);
    fold_undo(&worker->fold);
    return flushed == FLUSH_FENCED ? TURN_FENCED : TURN_FAILED;
}

/* The same, halving what the database refuses until the commit that it refuses stands alone. */
static enum turn_outcome write_commits(struct worker *worker, size_t first, size_t end,
                                       struct error *error)
{
    enum turn_outcome outcome = write_once(worker, first, end, error);
    if (outcome != TURN_FAILED || error->fault != FAULT_DATA_CORRUPT || first == end)
        return outcome;
    if (end - first == 1) {
        const struct batch_commit *commit = &worker->batch.commits[first];
        const struct batch_event *event =
            commit->count > 0 ? &worker->batch.events[commit->first] : NULL;
        halt(worker, commit, event, event != NULL ? event->view.subject : (struct text){0}, error);
        return write_once(worker, first, end, error);
    }
    size_t middle = first + (end - first) / 2;
    outcome = write_commits(worker, first, middle, error);
    return outcome == TURN_FINE ? write_commits(worker, middle, end, error) : outcome;
}

static void observe(struct worker *worker, int64_t begun_boot_us)
{
    const struct batch *batch = &worker->batch;
    metric_observe_us(VIEW_METRIC_OF(&worker->metrics, batch), clock_boot_us() - begun_boot_us);
    int64_t now_us = clock_wall_us();
    for (size_t i = 0; i < batch->commit_count; i++) {
        const struct batch_commit *commit = &batch->commits[i];
        if (source_is_beyond_halt(&worker->sources.items[commit->source], &commit->after))
            continue;
        int64_t latency_us = now_us - commit->after.time_us;
        metric_observe_us(VIEW_METRIC_OF(&worker->metrics, latency),
                          latency_us > 0 ? latency_us : 0);
        metric_add(VIEW_METRIC_OF(&worker->metrics, events), (int64_t)commit->count);
    }
}

static bool is_due(const struct worker *worker)
{
    return worker->batch.commit_count > 0 ||
           (sources_have_moved(&worker->sources) && poll_timeout_ms(worker) == 0);
}

enum turn_outcome worker_turn(struct worker *worker, struct error *error)
{
    if (!collect(worker, error))
        return TURN_FAILED;
    if (!is_due(worker))
        return TURN_FINE;
    worker->last_events = worker->batch.event_count;
    int64_t begun_boot_us = clock_boot_us();
    enum turn_outcome outcome = write_commits(worker, 0, worker->batch.commit_count, error);
    if (outcome != TURN_FINE)
        return outcome;
    observe(worker, begun_boot_us);
    cache_age(&worker->cache);
    return TURN_FINE;
}
