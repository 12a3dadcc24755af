/* Statements about projector.rebuild. */
#include "projector/rebuild_table.h"

#include "projector/revisions.h"

static const struct field row_fields[] = {
    {FIELD_AT(rebuild_row, view), .kind = FIELD_TEXT},
    {FIELD_AT(rebuild_row, revision), .kind = FIELD_INTEGER},
    {FIELD_AT(rebuild_row, replaces), .kind = FIELD_INTEGER},
    {FIELD_AT(rebuild_row, state), .kind = FIELD_TEXT},
    {FIELD_AT(rebuild_row, paused), .kind = FIELD_BOOLEAN},
    {FIELD_AT(rebuild_row, sliced), .kind = FIELD_BOOLEAN},
    {FIELD_AT(rebuild_row, partitions_done), .kind = FIELD_INTEGER},
    {FIELD_AT(rebuild_row, throttle), .kind = FIELD_INTEGER},
};

static const struct record row_record = {
    .name = "Rebuild",
    .size = sizeof(struct rebuild_row),
    .fields = row_fields,
    .field_count = COUNT_OF(row_fields),
};

static const struct field wanted_fields[] = {
    {FIELD_AT(rebuild_progress, wanted), .kind = FIELD_BOOLEAN},
    {FIELD_AT(rebuild_progress, throttle), .kind = FIELD_INTEGER},
    {FIELD_AT(rebuild_progress, live_behind), .kind = FIELD_INTEGER},
};

static const struct record wanted_record = {
    .name = "Wanted",
    .size = sizeof(struct rebuild_progress),
    .fields = wanted_fields,
    .field_count = COUNT_OF(wanted_fields),
};

struct done {
    bool done;
};

static const struct field done_fields[] = {{FIELD_AT(done, done), .kind = FIELD_BOOLEAN}};

static const struct record done_record = {
    .name = "Done",
    .size = sizeof(struct done),
    .fields = done_fields,
    .field_count = COUNT_OF(done_fields),
};

/* Held by the session, so it ends with the process. */
static const struct db_statement try_lock = {
    .name = "rebuild_try_lock",
    .sql = "SELECT pg_try_advisory_lock(hashtext('sijang rebuild')) AS done",
    .row = &done_record,
};

static const struct db_statement read_rows = {
    .name = "rebuild_read",
    .sql = "SELECT view, revision, replaces, state, paused, sliced, partitions_done, throttle"
           " FROM projector.rebuild ORDER BY started_at",
    .row = &row_record,
};

static const enum db_type tell_types[] = {DB_TEXT,   DB_INTEGER, DB_BIGINT,
                                          DB_BIGINT, DB_BIGINT,  DB_INTEGER};

static const struct db_statement tell = {
    .name = "rebuild_tell",
    .sql = "UPDATE projector.rebuild SET records_done = records_done + $3, rows = rows + $4,"
           " replay_ms = replay_ms + $5, sliced = sliced AND $6 <= partitions_done,"
           " partitions_done = greatest(partitions_done, $6), trouble = NULL,"
           " updated_at = clock_timestamp() WHERE view = $1 AND revision = $2"
           " RETURNING NOT paused AS wanted, throttle, (SELECT"
           " coalesce(sum(greatest(p.end_offset - p.next_offset, 0)), 0)::bigint"
           " FROM projector.position AS p WHERE p.revision > 0) AS live_behind",
    .parameters = tell_types,
    .parameter_count = COUNT_OF(tell_types),
    .row = &wanted_record,
};

static const enum db_type text_types[] = {DB_TEXT, DB_INTEGER, DB_TEXT};

static const struct db_statement set_state = {
    .name = "rebuild_set_state",
    .sql = "UPDATE projector.rebuild SET state = $3, trouble = NULL,"
           " updated_at = clock_timestamp() WHERE view = $1 AND revision = $2",
    .parameters = text_types,
    .parameter_count = COUNT_OF(text_types),
};

static const struct db_statement note_trouble = {
    .name = "rebuild_note_trouble",
    .sql = "UPDATE projector.rebuild SET trouble = $3, updated_at = clock_timestamp()"
           " WHERE view = $1 AND revision = $2",
    .parameters = text_types,
    .parameter_count = COUNT_OF(text_types),
};

static const enum db_type view_types[] = {DB_TEXT, DB_INTEGER};

static const struct db_statement start_over = {
    .name = "rebuild_start_over",
    .sql = "SELECT projector.rebuild_start_over($1, $2) AS done",
    .parameters = view_types,
    .parameter_count = COUNT_OF(view_types),
    .row = &done_record,
};

static const struct db_statement make_indexes = {
    .name = "rebuild_index",
    .sql = "SELECT projector.rebuild_index($1, $2) AS done",
    .parameters = view_types,
    .parameter_count = COUNT_OF(view_types),
    .row = &done_record,
};

static const struct db_statement *const statements[] = {
    &try_lock,     &revisions_read, &read_rows,    &tell, &set_state,
    &note_trouble, &start_over,     &make_indexes, NULL,
};

#define LOCK_ARENA_BYTES 4096

static bool take_lock(struct db_connection *connection, struct error *error)
{
    struct arena CLEANUP(arena_done) arena;
    struct db_rows rows;
    arena_init(&arena, LOCK_ARENA_BYTES);
    if (!db_run(connection, &try_lock, NULL, &arena, &rows, error))
        return false;
    const struct done *lock = rows.items;
    return rows.count == 1 && lock->done;
}

struct db_connection *rebuild_connect(const struct projector_config *config, struct error *error)
{
    struct arena CLEANUP(arena_done) arena;
    arena_init(&arena, LOCK_ARENA_BYTES);
    const char *name = arena_print(&arena, "sijang-projector rebuilds %s", config->process);
    if (name == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "connecting");
        return NULL;
    }
    struct db_connection *connection = db_connect(
        &(struct db_options){
            .conninfo = config->database.reveal,
            .application_name = name,
            .statements = statements, /* no time limit: an index takes as long as it takes */
        },
        error);
    if (connection == NULL || take_lock(connection, error))
        return connection;
    return db_close(connection);
}

bool rebuild_read(struct db_connection *connection, struct arena *arena, struct db_rows *ret_rows,
                  struct error *error)
{
    return db_run(connection, &read_rows, NULL, arena, ret_rows, error);
}

bool rebuild_tell(struct db_connection *connection, const struct view *view,
                  struct rebuild_progress *progress, struct arena *arena, struct error *error)
{
    struct db_rows rows;
    const struct db_value values[] = {
        db_text(text_of(view->name)),           db_integer(view->revision),
        db_integer(progress->records),          db_integer(progress->rows),
        db_integer(progress->replay_us / 1000), db_integer(progress->partitions_done),
    };
    if (!db_run(connection, &tell, values, arena, &rows, error))
        return false;
    const struct rebuild_progress *told = rows.items;
    *progress = (struct rebuild_progress){
        .replay_us = progress->replay_us % 1000,
        .wanted = rows.count == 1 && told->wanted,
        .throttle = rows.count == 1 ? told->throttle : 0,
        .live_behind = rows.count == 1 ? told->live_behind : 0,
    };
    return true;
}

static bool set_text(struct db_connection *connection, const struct db_statement *statement,
                     const struct view *view, struct text text, struct error *error)
{
    struct arena CLEANUP(arena_done) arena;
    struct db_rows rows;
    const struct db_value values[] = {db_text(text_of(view->name)), db_integer(view->revision),
                                      db_text(text)};
    arena_init(&arena, LOCK_ARENA_BYTES);
    return db_run(connection, statement, values, &arena, &rows, error);
}

bool rebuild_set_state(struct db_connection *connection, const struct view *view, const char *state,
                       struct error *error)
{
    return set_text(connection, &set_state, view, text_of(state), error);
}

bool rebuild_note_trouble(struct db_connection *connection, const struct view *view,
                          const struct error *trouble, struct error *error)
{
    return set_text(connection, &note_trouble, view, text_of(trouble->detail), error);
}

static bool call(struct db_connection *connection, const struct db_statement *statement,
                 const struct view *view, struct error *error)
{
    struct arena CLEANUP(arena_done) arena;
    struct db_rows rows;
    const struct db_value values[] = {db_text(text_of(view->name)), db_integer(view->revision)};
    arena_init(&arena, LOCK_ARENA_BYTES);
    return db_run(connection, statement, values, &arena, &rows, error);
}

bool rebuild_start_over(struct db_connection *connection, const struct view *view,
                        struct error *error)
{
    return call(connection, &start_over, view, error);
}

bool rebuild_index(struct db_connection *connection, const struct view *view, struct error *error)
{
    return call(connection, &make_indexes, view, error);
}
