/* Revisions of views, as listed and as the database has them. */
#include "projector/revisions.h"

#include "projector/views.h"

static const struct record revision_record = {
    .name = "Revision",
    .size = sizeof(struct revision_row),
    .fields =
        (const struct field[]){
            {FIELD_AT(revision_row, view), .kind = FIELD_TEXT},
            {FIELD_AT(revision_row, revision), .kind = FIELD_INTEGER},
            {FIELD_AT(revision_row, live), .kind = FIELD_BOOLEAN},
            {FIELD_AT(revision_row, beside), .kind = FIELD_BOOLEAN},
        },
    .field_count = 4,
};

const struct db_statement revisions_read = {
    .name = "revisions_read",
    .sql = "SELECT f.view, f.revision, f.live, coalesce(r.state = 'following'"
           " AND r.revision = f.revision AND r.replaces <> r.revision, false) AS beside"
           " FROM projector.fingerprint AS f LEFT JOIN projector.rebuild AS r ON r.view = f.view"
           " WHERE f.revision > 0",
    .row = &revision_record,
};

bool revisions_load(struct db_connection *connection, struct arena *arena, struct db_rows *ret_rows,
                    struct error *error)
{
    return db_run(connection, &revisions_read, NULL, arena, ret_rows, error);
}

const struct revision_row *revisions_find(const struct db_rows *rows, const struct view *view)
{
    const struct revision_row *items = rows->items;
    for (size_t i = 0; i < rows->count; i++)
        if (text_is(items[i].view, view->name) && items[i].revision == view->revision)
            return &items[i];
    return NULL;
}

size_t revisions_count(struct text name)
{
    size_t count = 0;
    for (size_t i = 0; i < CONTEXT_COUNT; i++)
        for (const struct view *const *view = view_lists[i]; *view != NULL; view++)
            count += text_is(name, (*view)->name);
    return count;
}

bool revisions_find_live(struct db_connection *connection, struct text name, struct arena *arena,
                         const struct view **ret_view, struct error *error)
{
    struct db_rows rows;
    if (!revisions_load(connection, arena, &rows, error))
        return false;
    *ret_view = NULL;
    for (size_t i = 0; i < CONTEXT_COUNT; i++)
        for (const struct view *const *view = view_lists[i]; *view != NULL; view++) {
            const struct revision_row *row = revisions_find(&rows, *view);
            if (text_is(name, (*view)->name) && row != NULL && row->live)
                *ret_view = *view;
        }
    return true;
}
