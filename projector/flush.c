/* Rows and positions in one transaction. */
#include "projector/flush.h"

#include "projector/positions.h"
#include <string.h>

/* Rows that really changed; *ret_rows is an array of pointers from the batch's arena. */
static bool changed_rows(const struct fold *fold, const void ***ret_rows, size_t *ret_count,
                         struct error *error)
{
    const void **rows = arena_alloc(&fold->batch->arena, fold->row_count * sizeof(*rows));
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

static bool send_rows(const struct fold *fold, const void *const *rows, size_t count,
                      struct db_connection *connection, struct error *error)
{
    const struct record *record = fold->view->row;
    struct db_value values[DB_PARAMETERS_MAX];
    for (size_t i = 0; i < record->field_count; i++)
        values[i] = db_column(record, record->fields[i].name, rows, count);
    return db_send(connection, fold->view->upsert, values, error);
}

/* In the open transaction. False: roll back. */
static bool write_all(const struct fold *fold, const struct sources *sources,
                      struct db_connection *connection, bool *ret_fenced, struct error *error)
{
    struct arena *arena = &fold->batch->arena;
    const void **rows = NULL;
    size_t row_count = 0, expected;
    struct db_rows fenced;
    if (!changed_rows(fold, &rows, &row_count, error) ||
        !positions_send_fence(connection, sources, arena, &expected, error))
        return false;
    if (row_count > 0 && !send_rows(fold, rows, row_count, connection, error))
        return false;
    if (!db_take(connection, arena, &fenced, error))
        return error_add(error, "fence");
    *ret_fenced = fenced.affected != (int64_t)expected;
    return !*ret_fenced;
}

static bool moves(const struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        if (sources->items[i].target.next != sources->items[i].stored.next)
            return true;
    return false;
}

enum flush_outcome flush_write(const struct fold *fold, const struct sources *sources,
                               struct db_connection *connection, struct error *error)
{
    bool fenced = false;
    if (!moves(sources))
        return FLUSH_DONE;
    if (!db_begin(connection, error))
        return FLUSH_FAILED;
    if (!write_all(fold, sources, connection, &fenced, error)) {
        db_roll_back(connection);
        return fenced ? FLUSH_FENCED : FLUSH_FAILED;
    }
    if (!db_commit(connection, error))
        return FLUSH_FAILED;
    return FLUSH_DONE;
}
