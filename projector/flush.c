/* Rows and positions in one transaction. */
#include "projector/flush.h"

#include "projector/parking.h"
#include <string.h>

/* Rows that really changed; *ret_rows is an array of pointers. */
static bool changed_rows(const struct fold *fold, struct arena *arena, const void ***ret_rows,
                         size_t *ret_count, struct error *error)
{
    const void **rows = arena_alloc(arena, fold->row_count * sizeof(*rows));
    if (rows == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "%zu rows", fold->row_count);
    size_t count = 0;
    for (size_t i = 0; i < fold->row_count; i++) {
        const struct folded_row *folded = &fold->rows[i];
        if (memcmp(folded->row->values, folded->before, fold->view->row->size) != 0)
            rows[count++] = folded->row->values;
    }
    *ret_rows = rows;
    *ret_count = count;
    return true;
}

static bool send_rows(const struct flush *flush, const struct fold *fold, struct error *error)
{
    const struct record *record = fold->view->row;
    struct db_value values[DB_PARAMETERS_MAX];
    const void **rows = NULL;
    size_t count = 0;
    if (fold->row_count == 0)
        return true;
    if (!changed_rows(fold, flush->arena, &rows, &count, error))
        return false;
    if (count == 0)
        return true;
    for (size_t i = 0; i < record->field_count; i++)
        values[i] = db_column(record, record->fields[i].name, rows, count);
    return db_send(flush->connection, fold->view->upsert, values, error);
}

static bool parks(const struct projection_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i]->fold.park_count > 0)
            return true;
    return false;
}

/* In the open transaction. */
static bool send_all(const struct flush *flush, bool *ret_sent, struct error *error)
{
    if (!positions_send_fence(flush->connection, &flush->fence, flush->arena, ret_sent, error))
        return false;
    if (parks(flush->fence.set) && !parking_send_durable(flush->connection, error))
        return false;
    for (size_t i = 0; i < flush->fence.set->count; i++) {
        const struct projection *projection = flush->fence.set->items[i];
        if (!send_rows(flush, &projection->fold, error) ||
            !parking_send(flush->connection, projection, flush->arena, error))
            return false;
    }
    return db_commit_send(flush->connection, error);
}

static bool has_something(const struct flush *flush)
{
    for (size_t i = 0; i < flush->fence.set->count; i++)
        if (sources_move(&flush->fence.set->items[i]->sources) ||
            (flush->fence.all && sources_held(&flush->fence.set->items[i]->sources) > 0))
            return true;
    return false;
}

bool flush_send(const struct flush *flush, bool *ret_sent, struct error *error)
{
    *ret_sent = false;
    if (!has_something(flush))
        return true;
    if (!db_begin(flush->connection, error))
        return false;
    if (send_all(flush, ret_sent, error))
        return true;
    db_roll_back(flush->connection);
    return false;
}
