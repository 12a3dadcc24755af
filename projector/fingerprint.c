/* Does this program's view match the tables it writes? */
#include "projector/fingerprint.h"

#include "lib/core/buffer.h"
#include <assert.h>

#define FINGERPRINT_TEXT_MAX 65536

static const struct field fingerprint_fields[] = {
    {FIELD_AT(fingerprint, view), .kind = FIELD_TEXT},
    {FIELD_AT(fingerprint, revision), .kind = FIELD_INTEGER},
    {FIELD_AT(fingerprint, columns), .kind = FIELD_TEXT},
    {FIELD_AT(fingerprint, events), .kind = FIELD_TEXT},
    {FIELD_AT(fingerprint, contexts), .kind = FIELD_TEXT},
    {FIELD_AT(fingerprint, live_revision), .kind = FIELD_INTEGER},
};

static const struct record fingerprint_record = {
    .name = "Fingerprint",
    .size = sizeof(struct fingerprint),
    .fields = fingerprint_fields,
    .field_count = COUNT_OF(fingerprint_fields),
};

static const enum db_type read_types[] = {DB_TEXT, DB_INTEGER};

const struct db_statement fingerprint_read = {
    .name = "fingerprint_read",
    .sql = "SELECT view, revision, columns, events, contexts,"
           " coalesce(projector.live_revision(view), 0) FROM projector.fingerprint"
           " WHERE view = $1 AND revision = $2",
    .parameters = read_types,
    .parameter_count = COUNT_OF(read_types),
    .row = &fingerprint_record,
};

static const char *column_type(enum db_type array)
{
    switch (array) {
    case DB_BIGINT_ARRAY: return "bigint";
    case DB_INTEGER_ARRAY: return "integer";
    case DB_BOOLEAN_ARRAY: return "boolean";
    case DB_TEXT_ARRAY: return "text";
    case DB_UUID_ARRAY: return "uuid";
    case DB_BYTEA_ARRAY: return "bytea";
    case DB_TIMESTAMP_ARRAY: return "timestamptz";
    default: return "no array";
    }
}

static struct text take_list(struct buffer *list, struct arena *arena)
{
    struct text text = {0};
    if (!list->failed)
        text = arena_copy_text(arena, buffer_text(list));
    buffer_clear(list);
    return text;
}

static void put_item(struct buffer *list, const char *item)
{
    if (list->size > 0)
        buffer_put_string(list, ", ");
    buffer_put_string(list, item);
}

static struct text list_columns(const struct view *view, struct buffer *list, struct arena *arena)
{
    assert(view->upsert->parameter_count == view->row->field_count);
    for (size_t i = 0; i < view->row->field_count; i++) {
        put_item(list, view->row->fields[i].name);
        buffer_put_string(list, " ");
        buffer_put_string(list, column_type(view->upsert->parameters[i]));
    }
    return take_list(list, arena);
}

bool fingerprint_of(const struct view *view, struct arena *arena,
                    struct fingerprint *ret_fingerprint)
{
    struct buffer list;
    buffer_init(&list, FINGERPRINT_TEXT_MAX);
    struct fingerprint print = {.view = text_of(view->name), .revision = view->revision};
    print.columns = list_columns(view, &list, arena);
    for (size_t i = 0; view->events[i] != NULL; i++)
        put_item(&list, view->events[i]->full_name);
    print.events = take_list(&list, arena);
    for (size_t i = 0; view->contexts[i] != NULL; i++)
        put_item(&list, view->contexts[i]);
    print.contexts = take_list(&list, arena);
    buffer_done(&list);
    *ret_fingerprint = print;
    return print.columns.bytes != NULL && print.events.bytes != NULL &&
           print.contexts.bytes != NULL;
}

/* NULL: the same. */
static const char *difference(const struct fingerprint *a, const struct fingerprint *b)
{
    if (!text_equal(a->view, b->view))
        return "view";
    if (a->revision != b->revision)
        return "revision";
    if (!text_equal(a->columns, b->columns))
        return "columns";
    if (!text_equal(a->events, b->events))
        return "events";
    return text_equal(a->contexts, b->contexts) ? NULL : "contexts";
}

static bool read(struct db_connection *connection, const struct view *view, struct arena *arena,
                 struct db_rows *ret_rows, struct error *error)
{
    const struct db_value values[] = {db_text(text_of(view->name)), db_integer(view->revision)};
    return db_run(connection, &fingerprint_read, values, arena, ret_rows, error) ||
           error_add(error, "fingerprint");
}

bool fingerprint_check(struct db_connection *connection, const struct view *view,
                       struct arena *arena, struct error *error)
{
    struct fingerprint own;
    struct db_rows rows;
    if (!fingerprint_of(view, arena, &own))
        return error_set(error, FAULT_OUT_OF_MEMORY, "fingerprint");
    if (!read(connection, view, arena, &rows, error))
        return false;
    const char *what = rows.count == 1 ? difference(&own, rows.items) : "number of rows";
    if (what == NULL)
        return true;
    return error_set(error, FAULT_CONFIG_INVALID,
                     "the fingerprint of %s, revision %d, differs from this program in its %s: run "
                     "the projector that fits, or give the view a new .revision and a migration, "
                     "and rebuild it",
                     view->name, view->revision, what);
}

bool fingerprint_check_live(struct db_connection *connection, const struct view *view,
                            struct arena *arena, struct error *error)
{
    struct db_rows rows;
    if (!read(connection, view, arena, &rows, error))
        return false;
    const struct fingerprint *print = rows.items;
    if (rows.count == 1 && print->live_revision == view->revision)
        return true;
    return error_set(error, FAULT_CONFIG_INVALID,
                     "readers of %s get revision %lld, this program keeps %d alone: run the one "
                     "that lists both, or swap first",
                     view->name, rows.count == 1 ? (long long)print->live_revision : 0LL,
                     view->revision);
}
