/* Applies events to cached rows. */
#include "projector/fold.h"

#include "lib/log/partition.h"
#include <stdlib.h>
#include <string.h>

void fold_init(struct fold *fold, const struct view *view, struct cache *cache)
{
    *fold = (struct fold){.view = view, .cache = cache};
    parked_init(&fold->parked);
    event_set_add(&fold->reads, view);
}

void fold_done(struct fold *fold)
{
    free(fold->rows);
    free(fold->steps);
    free(fold->parks);
    parked_done(&fold->parked);
    *fold = (struct fold){0};
}

static bool out_of_memory(struct fold *fold, struct error *error)
{
    error_set(error, FAULT_OUT_OF_MEMORY, "folding %zu events into %zu rows",
              fold->batch->event_count, fold->row_count);
    fold_undo(fold);
    return false;
}

static bool grow_rows(struct fold *fold)
{
    if (fold->row_count < fold->row_capacity)
        return true;
    size_t capacity = fold->row_capacity == 0 ? 256 : 2 * fold->row_capacity;
    struct folded_row *rows = realloc(fold->rows, capacity * sizeof(*rows));
    if (rows == NULL)
        return false;
    fold->rows = rows;
    fold->row_capacity = capacity;
    return true;
}

static bool grow_steps(struct fold *fold)
{
    if (fold->step_count < fold->step_capacity)
        return true;
    size_t capacity = fold->step_capacity == 0 ? 256 : 2 * fold->step_capacity;
    struct fold_step *steps = realloc(fold->steps, capacity * sizeof(*steps));
    if (steps == NULL)
        return false;
    fold->steps = steps;
    fold->step_capacity = capacity;
    return true;
}

static bool grow_parks(struct fold *fold)
{
    if (fold->park_count < fold->park_capacity)
        return true;
    size_t capacity = fold->park_capacity == 0 ? 64 : 2 * fold->park_capacity;
    struct fold_park *parks = realloc(fold->parks, capacity * sizeof(*parks));
    if (parks == NULL)
        return false;
    fold->parks = parks;
    fold->park_capacity = capacity;
    return true;
}

/* False: memory ran out. */
static bool touch_row(struct fold *fold, const struct batch_commit *commit,
                      const struct batch_event *event, struct text key)
{
    struct cached_row *row = cache_get(fold->cache, key);
    if (row == NULL || !grow_rows(fold) || !grow_steps(fold))
        return false;
    fold->steps[fold->step_count++] =
        (struct fold_step){.commit = commit, .event = event, .row = row};
    if (row->touched)
        return true;
    row->touched = true;
    fold->rows[fold->row_count++] = (struct folded_row){.row = row};
    return true;
}

static void refuse(struct fold *fold, const struct batch_commit *commit,
                   const struct batch_event *event, const struct error *cause)
{
    fold->refusal = (struct fold_refusal){.commit = commit, .event = event, .cause = *cause};
}

/* Keys of one partition share the low bits of their murmur2. */
static bool is_elsewhere(const struct fold *fold, struct text key)
{
    if (fold->slice_count <= 1)
        return false;
    return (log_murmur2(key.bytes, key.size) >> 12) % fold->slice_count != fold->slice;
}

/* A cause that is not told means: behind another one. False: memory ran out. */
static bool park(struct fold *fold, const struct fold_park *wanted)
{
    struct fold_park parked = *wanted;
    struct error error = {0};
    if (!grow_parks(fold))
        return false;
    if (!parked_add(&fold->parked, wanted->key, &error)) {
        refuse(fold, wanted->commit, wanted->event, &error);
        return error.fault != FAULT_OUT_OF_MEMORY;
    }
    if (wanted->cause != NULL)
        parked.cause = arena_copy(&fold->batch->arena, wanted->cause, sizeof(*wanted->cause));
    if (wanted->cause != NULL && parked.cause == NULL)
        return false;
    fold->parks[fold->park_count++] = parked;
    return true;
}

/* Of which rows it speaks is not known: it waits under its aggregate. */
static bool park_by_subject(struct fold *fold, const struct batch_commit *commit,
                            const struct batch_event *event, const struct error *cause)
{
    return park(fold, &(struct fold_park){commit, event, event->view.subject, cause});
}

/* False: memory ran out. */
static bool touch_keys(struct fold *fold, const struct batch_commit *commit,
                       const struct batch_event *event, const struct view_keys *keys)
{
    for (size_t i = 0; i < keys->count && fold->refusal.commit == NULL; i++) {
        const struct error *cause = commit == fold->forced ? &fold->forced_cause : NULL;
        if (is_elsewhere(fold, keys->keys[i]))
            continue;
        bool parks = cause != NULL || parked_has(&fold->parked, keys->keys[i]);
        if (!(parks ? park(fold, &(struct fold_park){commit, event, keys->keys[i], cause})
                    : touch_row(fold, commit, event, keys->keys[i])))
            return false;
    }
    return true;
}

/* False: memory ran out. */
static bool touch_event(struct fold *fold, const struct batch_commit *commit,
                        const struct batch_event *event)
{
    struct view_keys keys = {.count = 0};
    struct error cause;
    if (parked_is_discarded(&fold->parked, &event->id))
        return true;
    if (event->fault != NULL && event->fault->fault != FAULT_DATA_CORRUPT) {
        refuse(fold, commit, event, event->fault);
        return true;
    }
    if (parked_has(&fold->parked, event->view.subject))
        return park_by_subject(fold, commit, event, NULL);
    if (event->fault != NULL)
        return park_by_subject(fold, commit, event, event->fault);
    if (fold->view->keys(&event->view, &keys))
        return touch_keys(fold, commit, event, &keys);
    error_set(&cause, FAULT_DATA_CORRUPT, "the event has no valid key");
    return park_by_subject(fold, commit, event, &cause);
}

static bool concerns(const struct fold *fold, enum context_number context,
                     const struct batch_event *event)
{
    return event->view.kind < 0 || event_set_has(&fold->reads, context, event->view.kind);
}

/* False: memory ran out. */
static bool touch_commit(struct fold *fold, const struct batch_commit *commit,
                         const struct source *source)
{
    const struct batch_event *events = &fold->batch->events[commit->first];
    enum context_number context = (enum context_number)(source->context - contexts);
    for (size_t i = 0; i < commit->count && fold->refusal.commit == NULL; i++)
        if (concerns(fold, context, &events[i]) && !touch_event(fold, commit, &events[i]))
            return false;
    return true;
}

bool fold_touch(struct fold *fold, struct batch *batch, const struct sources *sources, size_t end,
                struct error *error)
{
    fold->batch = batch;
    fold->refusal = (struct fold_refusal){0};
    for (size_t i = 0; i < end && fold->refusal.commit == NULL; i++) {
        const struct batch_commit *commit = &batch->commits[i];
        const struct source *source = sources->by_feed[commit->feed];
        if (source == NULL || !source_takes(source, &commit->after))
            continue;
        if (!touch_commit(fold, commit, source))
            return out_of_memory(fold, error);
    }
    return true;
}

const struct text *fold_missing(const struct fold *fold, size_t *ret_count)
{
    struct text *keys = arena_alloc(&fold->batch->arena, (fold->row_count + 1) * sizeof(*keys));
    size_t missing = 0;
    for (size_t i = 0; i < fold->row_count && keys != NULL; i++)
        if (!fold->rows[i].row->loaded)
            keys[missing++] = fold->rows[i].row->key;
    *ret_count = missing;
    return keys;
}

bool fold_fill(struct fold *fold, const struct db_rows *found, struct error *error)
{
    const struct record *record = fold->view->row;
    for (size_t i = 0; i < found->count; i++) {
        const uint8_t *values = (const uint8_t *)found->items + i * record->size;
        const struct text *key = (const void *)(values + fold->cache->key_offset);
        struct cached_row *row = cache_get(fold->cache, *key);
        if (row == NULL || !cache_fill(fold->cache, row, values))
            return out_of_memory(fold, error);
    }
    for (size_t i = 0; i < fold->row_count; i++)
        fold->rows[i].row->loaded = true;
    return true;
}

static bool remember_rows(struct fold *fold)
{
    for (size_t i = 0; i < fold->row_count; i++) {
        struct folded_row *folded = &fold->rows[i];
        folded->before =
            arena_copy(&fold->batch->arena, folded->row->values, fold->view->row->size);
        if (folded->before == NULL)
            return false;
    }
    return true;
}

/* What it did to the row before refusing is undone: the row as it was, and the steps before. */
static void take_back(struct fold *fold, const struct fold_step *refused)
{
    struct folded_row *folded = fold->rows;
    while (folded->row != refused->row)
        folded++;
    memcpy(refused->row->values, folded->before, fold->view->row->size);
    for (const struct fold_step *step = fold->steps; step < refused; step++)
        if (step->row == refused->row)
            (void)fold->view->apply(step->row->values, &step->event->view);
}

/* False: memory ran out. */
static bool apply_step(struct fold *fold, const struct fold_step *step)
{
    struct fold_park parked = {step->commit, step->event, step->row->key, NULL};
    struct error cause;
    if (step->row->parked)
        return park(fold, &parked);
    if (fold->view->apply(step->row->values, &step->event->view) != VIEW_REFUSED)
        return true;
    take_back(fold, step);
    step->row->parked = true;
    error_set(&cause, FAULT_DATA_CORRUPT,
              "the view refuses version %lld: the row is not at the version before, or the event "
              "does not fit it",
              (long long)step->event->view.version);
    parked.cause = &cause;
    return park(fold, &parked);
}

static int compare_parks(const void *a, const void *b)
{
    const struct fold_park *first = a, *second = b;
    return (first->event > second->event) - (first->event < second->event);
}

static void target(struct fold *fold, struct sources *sources, size_t end)
{
    for (size_t i = 0; i < end; i++) {
        const struct batch_commit *commit = &fold->batch->commits[i];
        struct source *source = sources->by_feed[commit->feed];
        if (source != NULL && source_takes(source, &commit->after))
            source->target = commit->after;
    }
    for (size_t i = 0; i < fold->park_count; i++)
        sources->by_feed[fold->parks[i].commit->feed]->parking++;
    if (fold->park_count > 1)
        qsort(fold->parks, fold->park_count, sizeof(*fold->parks), compare_parks);
}

bool fold_apply(struct fold *fold, struct sources *sources, size_t end, struct error *error)
{
    sources_retarget(sources);
    if (!remember_rows(fold))
        return out_of_memory(fold, error);
    for (size_t i = 0; i < fold->step_count && fold->refusal.commit == NULL; i++)
        if (!apply_step(fold, &fold->steps[i]))
            return out_of_memory(fold, error);
    if (fold->refusal.commit == NULL)
        target(fold, sources, end);
    return true;
}

static void forget(struct fold *fold)
{
    for (size_t i = 0; i < fold->row_count; i++)
        fold->rows[i].row->touched = fold->rows[i].row->parked = false;
    fold->row_count = 0;
    fold->step_count = 0;
    fold->park_count = 0;
}

void fold_undo(struct fold *fold)
{
    for (size_t i = 0; i < fold->row_count; i++) {
        struct folded_row *folded = &fold->rows[i];
        if (folded->before != NULL)
            memcpy(folded->row->values, folded->before, fold->view->row->size);
    }
    parked_undo(&fold->parked);
    forget(fold);
}

bool fold_keep(struct fold *fold, struct error *error)
{
    bool kept = true;
    for (size_t i = 0; i < fold->row_count; i++)
        kept = cache_keep_texts(fold->cache, fold->rows[i].row, fold->rows[i].before) && kept;
    parked_keep(&fold->parked);
    forget(fold);
    return kept || error_set(error, FAULT_OUT_OF_MEMORY, "keeping rows");
}
