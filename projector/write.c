/* Folding and writing a batch: all views in one transaction; view by view, and in halves, what the
 * database refuses. */
#include "lib/core/clock.h"
#include "projector/flush.h"
#include "projector/parking.h"
#include "projector/worker.h"

static struct projection_set alone(struct projection **projection)
{
    return (struct projection_set){.items = projection, .count = 1};
}

static void undo(const struct projection_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        fold_undo(&set->items[i]->fold);
}

static bool reload(struct worker *worker, struct projection *projection, struct error *error)
{
    struct projection_set set = alone(&projection);
    struct arena *arena = &worker->writing->arena;
    projection_forget(projection);
    return positions_load(worker->connection, &set, arena, error) &&
           parking_load(worker->connection, &set, arena, error);
}

/* Stops the view where it cannot go on. */
static void halt(struct projection *projection)
{
    const struct fold_refusal refusal = projection->fold.refusal;
    const struct batch_event *event = refusal.event;
    fold_undo(&projection->fold);
    source_halt(projection->sources.by_feed[refusal.commit->feed], event->offset, event->type,
                event->view.subject, &refusal.cause);
}

static bool send_loads(struct worker *worker, const struct projection_set *set, size_t *missing,
                       struct error *error)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct fold *fold = &set->items[i]->fold;
        const struct text *keys = fold_missing(fold, &missing[i]);
        if (keys == NULL)
            return error_set(error, FAULT_OUT_OF_MEMORY, "%zu keys", fold->row_count);
        struct db_value parameter = db_texts(keys, missing[i]);
        if (missing[i] > 0 && !db_send(worker->connection, fold->view->load, &parameter, error))
            return false;
    }
    return db_commit_send(worker->connection, error);
}

static bool take_loads(struct worker *worker, const struct projection_set *set,
                       const size_t *missing, struct error *error)
{
    struct db_rows found;
    for (size_t i = 0; i < set->count; i++) {
        if (missing[i] == 0)
            continue;
        if (!db_take(worker->connection, &worker->writing->arena, &found, error))
            return error_add(error, "loading %zu rows", missing[i]);
        if (!fold_fill(&set->items[i]->fold, &found, error))
            return false;
    }
    return true;
}

static bool all_are_loaded(const struct projection_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        for (size_t row = 0; row < set->items[i]->fold.row_count; row++)
            if (!set->items[i]->fold.rows[row].row->loaded)
                return false;
    return true;
}

/* What is not cached, of all views in one round trip. */
static bool load(struct worker *worker, const struct projection_set *set, struct error *error)
{
    if (all_are_loaded(set))
        return true;
    size_t *missing = arena_alloc(&worker->writing->arena, set->count * sizeof(*missing));
    if (missing == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "loading rows");
    if (!db_begin(worker->connection, error))
        return false;
    if (!send_loads(worker, set, missing, error)) {
        db_roll_back(worker->connection);
        return false;
    }
    bool taken = take_loads(worker, set, missing, error);
    return db_commit_wait(worker->connection, taken ? error : NULL) && taken;
}

static bool touch(struct worker *worker, const struct projection_set *set, size_t end,
                  struct error *error)
{
    for (size_t i = 0; i < set->count; i++)
        if (!fold_touch(&set->items[i]->fold, worker->writing, &set->items[i]->sources, end, error))
            return false;
    return true;
}

/* Until nothing is refused any more: each refusal halts one source more. */
static bool fold_patiently(struct worker *worker, struct projection *projection, size_t end,
                           struct error *error)
{
    struct fold *fold = &projection->fold;
    struct projection_set set = alone(&projection);
    while (fold->refusal.commit != NULL) {
        halt(projection);
        if (!touch(worker, &set, end, error))
            return false;
        if (fold->refusal.commit == NULL &&
            (!load(worker, &set, error) || !fold_apply(fold, &projection->sources, end, error)))
            return false;
    }
    return true;
}

/* Commits 0 to end - 1 of the batch into the rows of all views. */
static bool fold_all(struct worker *worker, const struct projection_set *set, size_t end,
                     struct error *error)
{
    if (!touch(worker, set, end, error) || !load(worker, set, error))
        return false;
    for (size_t i = 0; i < set->count; i++) {
        struct projection *projection = set->items[i];
        struct fold *fold = &projection->fold;
        if (fold->refusal.commit == NULL && !fold_apply(fold, &projection->sources, end, error))
            return false;
        if (!fold_patiently(worker, projection, end, error))
            return false;
        if (end == worker->writing->commit_count)
            sources_target_all(&projection->sources, worker->writing);
    }
    return true;
}

static void observe(struct projection *projection, const struct batch *batch)
{
    int64_t now_us = clock_wall_us();
    for (size_t i = 0; i < batch->commit_count; i++) {
        const struct batch_commit *commit = &batch->commits[i];
        const struct source *source = projection->sources.by_feed[commit->feed];
        if (source == NULL || !source_takes(source, &commit->after) ||
            commit->after.next > source->target.next)
            continue;
        int64_t latency_us = now_us - commit->after.time_us;
        metric_observe_us(VIEW_METRIC_OF(&projection->metrics, latency),
                          latency_us > 0 ? latency_us : 0);
        latency_observe(&projection->latency, latency_us);
        metric_add(VIEW_METRIC_OF(&projection->metrics, events), (int64_t)commit->count);
    }
}

static bool keep(struct worker *worker, const struct projection_set *set, struct error *error)
{
    bool kept = true;
    for (size_t i = 0; i < set->count; i++) {
        struct projection *projection = set->items[i];
        if (sources_move(&projection->sources)) {
            worker->written_boot_us = projection->report.progress_boot_us = clock_boot_us();
            metric_add(VIEW_METRIC_OF(&projection->metrics, transactions), 1);
        }
        metric_add(VIEW_METRIC_OF(&projection->metrics, rows), (int64_t)projection->fold.row_count);
        observe(projection, worker->writing);
        parking_tell(projection);
        sources_stored(&projection->sources);
        kept = fold_keep(&projection->fold, error) && kept;
        cache_age(&projection->cache);
    }
    return kept;
}

static bool send(struct worker *worker, const struct projection_set *set, bool all, bool *ret_sent,
                 struct error *error)
{
    const struct flush flush = {
        .connection = worker->connection,
        .fence = {.set = set, .feeds = &worker->feeds, .all = all},
        .arena = &worker->writing->arena,
    };
    return flush_send(&flush, ret_sent, error);
}

/* One view, one transaction, nothing tried again. */
static enum turn_outcome write_once(struct worker *worker, struct projection *projection,
                                    size_t end, struct error *error)
{
    struct projection_set set = alone(&projection);
    bool sent;
    if (fold_all(worker, &set, end, error) && send(worker, &set, false, &sent, error) &&
        (!sent || db_commit_wait(worker->connection, error)))
        return keep(worker, &set, error) ? TURN_FINE : TURN_FAILED;
    undo(&set);
    return TURN_FAILED;
}

/* The first commit of the batch that the view has not got. NULL: none. */
static const struct batch_commit *first_new(const struct worker *worker,
                                            const struct projection *projection, size_t end)
{
    for (size_t i = 0; i < end; i++) {
        const struct batch_commit *commit = &worker->writing->commits[i];
        const struct source *source = projection->sources.by_feed[commit->feed];
        if (source != NULL && source_takes(source, &commit->after))
            return commit;
    }
    return NULL;
}

/* The database refuses this one commit: the view stops before it. */
static void halt_before(struct worker *worker, struct projection *projection,
                        const struct batch_commit *commit, const struct error *error)
{
    const struct batch_event *event =
        commit->count > 0 ? &worker->writing->events[commit->first] : NULL;
    struct source *source = projection->sources.by_feed[commit->feed];
    source_halt(source, event != NULL ? event->offset : source->stored.next,
                event != NULL ? event->type : (struct text){0},
                event != NULL ? event->view.subject : (struct text){0}, error);
}

/* The one commit that the database refuses is parked; if it refuses that, too, the view stops. */
static enum turn_outcome write_without(struct worker *worker, struct projection *projection,
                                       const struct batch_commit *commit, size_t end,
                                       struct error *error)
{
    projection->fold.forced = commit;
    projection->fold.forced_cause = *error;
    enum turn_outcome outcome = write_once(worker, projection, end, error);
    projection->fold.forced = NULL;
    if (outcome != TURN_FAILED || error->fault != FAULT_DATA_CORRUPT)
        return outcome;
    halt_before(worker, projection, commit, error);
    return write_once(worker, projection, end, error);
}

/* Halves what the database refuses until the commit that it refuses stands alone. */
static enum turn_outcome write_in_halves(struct worker *worker, struct projection *projection,
                                         size_t first, size_t end, struct error *error)
{
    enum turn_outcome outcome = write_once(worker, projection, end, error);
    if (outcome != TURN_FAILED || error->fault != FAULT_DATA_CORRUPT)
        return outcome;
    const struct batch_commit *commit = first_new(worker, projection, end);
    if (commit == NULL)
        return outcome;
    size_t at = (size_t)(commit - worker->writing->commits);
    if (at < first)
        at = first;
    if (end - at <= 1)
        return write_without(worker, projection, commit, end, error);
    size_t middle = at + (end - at) / 2;
    outcome = write_in_halves(worker, projection, at, middle, error);
    return outcome == TURN_FINE ? write_in_halves(worker, projection, middle, end, error) : outcome;
}

/* Is it another projector, or somebody who changed rows? FINE: the view may be written again. */
static enum turn_outcome settle_place(struct worker *worker, struct projection *projection,
                                      struct error *error)
{
    switch (projection->place) {
    case PLACE_SAME: return TURN_FINE;
    case PLACE_RAISED:
        metric_add(VIEW_METRIC_OF(&projection->metrics, fenced), 1);
        return reload(worker, projection, error) ? TURN_FINE : TURN_FAILED;
    case PLACE_MOVED: break;
    }
    metric_add(VIEW_METRIC_OF(&projection->metrics, fenced), 1);
    error_set(error, FAULT_OVERLOADED, "another projector writes %s", projection->view->name);
    return TURN_FENCED;
}

static enum turn_outcome write_alone(struct worker *worker, struct projection *projection,
                                     struct error *error)
{
    enum turn_outcome outcome = settle_place(worker, projection, error);
    if (outcome == TURN_FINE)
        outcome = write_in_halves(worker, projection, 0, worker->writing->commit_count, error);
    return outcome;
}

static bool all_moved(const struct projection_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i]->place != PLACE_MOVED)
            return false;
    return true;
}

static bool is_of_a_view(enum fault fault)
{
    return fault == FAULT_DATA_CORRUPT || fault == FAULT_DATABASE_FAILED;
}

/* The transaction of all views has failed: each for itself. What troubles one of them alone sends
 * it apart. */
static enum turn_outcome mend(struct worker *worker, struct error *error)
{
    const struct projection_set *set = &worker->set;
    undo(set);
    if (!is_of_a_view(error->fault))
        return TURN_FAILED;
    if (!positions_compare(worker->connection, set, &worker->writing->arena, error))
        return TURN_FAILED;
    if (all_moved(set))
        return settle_place(worker, set->items[0], error);
    for (size_t i = set->count; i-- > 0;) {
        enum turn_outcome outcome = write_alone(worker, set->items[i], error);
        if (outcome == TURN_FINE)
            continue;
        if (outcome == TURN_FAILED && !is_of_a_view(error->fault))
            return outcome;
        if (!worker_send_apart(worker, set->items[i], error))
            return outcome;
    }
    return TURN_FINE;
}

enum turn_outcome worker_write_begin(struct worker *worker, bool all, bool *ret_sent,
                                     struct error *error)
{
    bool sent = false;
    *ret_sent = false;
    if (!fold_all(worker, &worker->set, worker->writing->commit_count, error) ||
        !send(worker, &worker->set, all, &sent, error))
        return mend(worker, error);
    *ret_sent = sent;
    return sent || keep(worker, &worker->set, error) ? TURN_FINE : TURN_FAILED;
}

enum turn_outcome worker_write_end(struct worker *worker, struct error *error)
{
    if (!db_commit_wait(worker->connection, error))
        return mend(worker, error);
    return keep(worker, &worker->set, error) ? TURN_FINE : TURN_FAILED;
}
