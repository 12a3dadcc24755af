/* Applies events to cached rows. */
#include "projector/fold.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void fold_init(struct fold *fold, const struct view *view, struct cache *cache, struct batch *batch)
{
    *fold = (struct fold){.view = view, .cache = cache, .batch = batch};
}

void fold_done(struct fold *fold)
{
    free(fold->rows);
    *fold = (struct fold){0};
}

static bool out_of_memory(const struct fold *fold, struct error *error)
{
    return error_set(error, FAULT_OUT_OF_MEMORY, "folding %zu events into %zu rows",
                     fold->batch->event_count, fold->row_count);
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

static bool touch(struct fold *fold, struct text key)
{
    struct cached_row *row = cache_get(fold->cache, key);
    if (row == NULL || !grow_rows(fold))
        return false;
    if (row->touched)
        return true;
    row->touched = true;
    fold->rows[fold->row_count++] = (struct folded_row){.row = row};
    return true;
}

/* Commits that count: not beyond a halt. */
static bool counts(const struct sources *sources, const struct batch_commit *commit)
{
    return !source_is_beyond_halt(&sources->items[commit->source], &commit->after);
}

static bool touch_commit(struct fold *fold, const struct batch_commit *commit)
{
    const struct batch_event *events = &fold->batch->events[commit->first];
    for (size_t i = 0; i < commit->count; i++)
        for (size_t k = 0; k < events[i].key_count; k++)
            if (!touch(fold, events[i].keys[k]))
                return false;
    return true;
}

static bool fill_rows(struct fold *fold, const struct db_rows *found)
{
    const struct record *record = fold->view->row;
    for (size_t i = 0; i < found->count; i++) {
        const uint8_t *values = (const uint8_t *)found->items + i * record->size;
        const struct text *key = (const void *)(values + fold->cache->key_offset);
        struct cached_row *row = cache_get(fold->cache, *key);
        if (row == NULL || !cache_fill(fold->cache, row, values))
            return false;
    }
    return true;
}

static bool load_missing(struct fold *fold, struct db_connection *connection, struct error *error)
{
    struct arena *arena = &fold->batch->arena;
    struct text *keys = arena_alloc(arena, fold->row_count * sizeof(*keys));
    if (keys == NULL)
        return out_of_memory(fold, error);
    size_t missing = 0;
    for (size_t i = 0; i < fold->row_count; i++)
        if (!fold->rows[i].row->loaded)
            keys[missing++] = fold->rows[i].row->key;
    if (missing == 0)
        return true;
    struct db_value parameter = db_texts(keys, missing);
    struct db_rows found;
    if (!db_run(connection, fold->view->load, &parameter, arena, &found, error))
        return error_add(error, "loading %zu rows", missing);
    if (!fill_rows(fold, &found))
        return out_of_memory(fold, error);
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

/* False: refused. */
static bool apply_event(struct fold *fold, const struct batch_commit *commit,
                        const struct batch_event *event)
{
    for (size_t k = 0; k < event->key_count; k++) {
        struct cached_row *row = cache_get(fold->cache, event->keys[k]);
        assert(row != NULL && row->touched);
        if (fold->view->apply(row->values, &event->view) != VIEW_REFUSED)
            continue;
        fold->refusal = (struct fold_refusal){
            .commit = commit,
            .event = event,
            .key = event->keys[k],
        };
        return false;
    }
    return true;
}

static bool apply_commit(struct fold *fold, const struct batch_commit *commit)
{
    for (size_t i = 0; i < commit->count; i++)
        if (!apply_event(fold, commit, &fold->batch->events[commit->first + i]))
            return false;
    return true;
}

static bool prepare_rows(struct fold *fold, const struct sources *sources, size_t first, size_t end,
                         struct error *error)
{
    assert(fold->row_count == 0);
    for (size_t i = first; i < end; i++) {
        const struct batch_commit *commit = &fold->batch->commits[i];
        if (counts(sources, commit) && !touch_commit(fold, commit))
            return out_of_memory(fold, error);
    }
    return true;
}

bool fold_commits(struct fold *fold, struct sources *sources, size_t first, size_t end,
                  struct db_connection *connection, struct error *error)
{
    fold->refusal = (struct fold_refusal){0};
    sources_retarget(sources);
    if (!prepare_rows(fold, sources, first, end, error) || !load_missing(fold, connection, error) ||
        (!remember_rows(fold) && !out_of_memory(fold, error))) {
        fold_undo(fold);
        return false;
    }
    for (size_t i = first; i < end; i++) {
        const struct batch_commit *commit = &fold->batch->commits[i];
        if (!counts(sources, commit))
            continue;
        if (!apply_commit(fold, commit))
            return true;
        sources->items[commit->source].target = commit->after;
    }
    return true;
}

void fold_undo(struct fold *fold)
{
    for (size_t i = 0; i < fold->row_count; i++) {
        struct folded_row *folded = &fold->rows[i];
        if (folded->before != NULL)
            memcpy(folded->row->values, folded->before, fold->view->row->size);
        folded->row->touched = false;
    }
    fold->row_count = 0;
}

bool fold_keep(struct fold *fold, struct error *error)
{
    bool kept = true;
    for (size_t i = 0; i < fold->row_count; i++) {
        struct folded_row *folded = &fold->rows[i];
        kept = cache_keep_texts(fold->cache, folded->row, folded->before) && kept;
        folded->row->touched = false;
    }
    fold->row_count = 0;
    return kept || out_of_memory(fold, error);
}
