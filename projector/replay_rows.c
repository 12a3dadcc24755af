/* Folded rows, read slot by slot. */
#include "projector/replay_rows.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_ROWS 512

bool replay_rows_init(struct replay_rows *rows, const struct view *view, const struct cache *cache,
                      struct error *error)
{
    *rows = (struct replay_rows){.cache = cache, .absent = calloc(1, view->row->size)};
    if (rows->absent == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "copying %s", view->name);
    if (view->row->defaults != NULL)
        memcpy(rows->absent, view->row->defaults, view->row->size);
    return true;
}

void replay_rows_done(struct replay_rows *rows)
{
    free(rows->absent);
    rows->absent = NULL;
}

void replay_rows_begin(struct replay_rows *rows)
{
    rows->looked = rows->given = 0;
}

/* Some event has changed it. */
static bool is_present(const struct replay_rows *rows, const struct cached_row *row)
{
    const struct cache *cache = rows->cache;
    memcpy(rows->absent + cache->key_offset, &row->key, sizeof(row->key));
    return memcmp(rows->absent, row->values, cache->record->size) != 0;
}

const void *replay_rows_next(void *self)
{
    struct replay_rows *rows = self;
    const struct cache_generation *young = &rows->cache->young;
    if (rows->given == PIECE_ROWS) {
        rows->copies_on(rows->self, rows->given);
        rows->given = 0;
    }
    while (rows->looked < young->slot_count) {
        const struct cached_row *row = young->slots[rows->looked++];
        if (row == NULL || !is_present(rows, row))
            continue;
        rows->given++;
        return row->values;
    }
    return NULL;
}
