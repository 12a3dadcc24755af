/* sijangctl why: what keeps a view, or one row of it, from going on, and what to do about it. */
#include "ctl/database.h"

#include <stddef.h>
#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define AGE_MS_MAX      5000

static const struct config_entry settings[] = {DATABASE_SETTING(struct database_settings), {0}};

struct blocking {
    struct text key;
    struct text context;
    int64_t partition;
    int64_t event_offset;
    struct text type;
    struct text event_id;
    struct text reason;
    struct text detail;
    int64_t attempts;
    int64_t age_ms;
    int64_t behind;
};

static const struct field blocking_fields[] = {
    {FIELD_AT(blocking, key), .kind = FIELD_TEXT},
    {FIELD_AT(blocking, context), .kind = FIELD_TEXT},
    {FIELD_AT(blocking, partition), .kind = FIELD_INTEGER},
    {FIELD_AT(blocking, event_offset), .kind = FIELD_INTEGER},
    {FIELD_AT(blocking, type), .kind = FIELD_TEXT},
    {FIELD_AT(blocking, event_id), .kind = FIELD_TEXT},
    {FIELD_AT(blocking, reason), .kind = FIELD_TEXT},
    {FIELD_AT(blocking, detail), .kind = FIELD_TEXT},
    {FIELD_AT(blocking, attempts), .kind = FIELD_INTEGER},
    {FIELD_AT(blocking, age_ms), .kind = FIELD_INTEGER},
    {FIELD_AT(blocking, behind), .kind = FIELD_INTEGER},
};

static const struct record blocking_record = {
    .name = "Blocking",
    .size = sizeof(struct blocking),
    .fields = blocking_fields,
    .field_count = COUNT_OF(blocking_fields),
};

static const enum db_type blocking_types[] = {DB_TEXT, DB_TEXT};

static const struct db_statement blocking_read = {
    .name = "blocking_read",
    .sql = "SELECT DISTINCT ON (k.revision, k.key) k.key, k.context, k.partition, k.event_offset,"
           " k.type, k.event_id, k.reason, k.detail, k.attempts,"
           " (extract(epoch FROM clock_timestamp() - k.parked_at) * 1000)::bigint,"
           " count(*) OVER (PARTITION BY k.revision, k.key) - 1 FROM projector.parked AS k"
           " JOIN projector.fingerprint AS f ON f.view = k.view AND f.revision = k.revision"
           " AND f.live AND f.revision > 0 WHERE k.view = $1 AND ($2::text IS NULL OR k.key = "
           "$2::text)"
           " ORDER BY k.revision, k.key, k.number LIMIT 100",
    .parameters = blocking_types,
    .parameter_count = COUNT_OF(blocking_types),
    .row = &blocking_record,
};

struct stuck {
    struct text context;
    int64_t partition;
    int64_t behind;
    int64_t age_ms;
    struct text halted;
};

static const struct field stuck_fields[] = {
    {FIELD_AT(stuck, context), .kind = FIELD_TEXT},
    {FIELD_AT(stuck, partition), .kind = FIELD_INTEGER},
    {FIELD_AT(stuck, behind), .kind = FIELD_INTEGER},
    {FIELD_AT(stuck, age_ms), .kind = FIELD_INTEGER},
    {FIELD_AT(stuck, halted), .kind = FIELD_TEXT, .optional = true},
};

static const struct record stuck_record = {
    .name = "Stuck",
    .size = sizeof(struct stuck),
    .fields = stuck_fields,
    .field_count = COUNT_OF(stuck_fields),
};

static const struct db_statement stuck_read = {
    .name = "stuck_read",
    .sql = "SELECT p.context, p.partition, greatest(p.end_offset - p.next_offset, 0),"
           " (extract(epoch FROM clock_timestamp() - p.updated_at) * 1000)::bigint, p.halted"
           " FROM projector.position AS p JOIN projector.fingerprint AS f ON f.view = p.view"
           " AND f.revision = p.revision AND f.live AND f.revision > 0 WHERE p.view = $1"
           " ORDER BY p.context, p.partition",
    .parameters = blocking_types,
    .parameter_count = 1,
    .row = &stuck_record,
};

static const struct db_statement *const statements[] = {&blocking_read, &stuck_read, NULL};

static void tell_blocking(const char *view, const struct blocking *event, struct arena *arena)
{
    (void)printf("%.*s waits for a person since %s\n"
                 "  event     %.*s %.*s at %.*s/%lld@%lld\n"
                 "  error     %.*s: %.*s\n"
                 "  attempts  %lld, %lld events behind it\n"
                 "  mend the cause, then:  sijangctl parked retry %s %.*s\n"
                 "  or give it up:         sijangctl parked discard %s %.*s --reason WHY\n",
                 TEXT_ARGS(event->key), database_age(event->age_ms, arena), TEXT_ARGS(event->type),
                 TEXT_ARGS(event->event_id), TEXT_ARGS(event->context), (long long)event->partition,
                 (long long)event->event_offset, TEXT_ARGS(event->reason), TEXT_ARGS(event->detail),
                 (long long)event->attempts, (long long)event->behind, view, TEXT_ARGS(event->key),
                 view, TEXT_ARGS(event->key));
}

/* False: nothing is wrong there. */
static bool tell_stuck(const struct stuck *stuck, struct arena *arena)
{
    if (stuck->halted.bytes != NULL)
        (void)printf("%.*s/%lld is halted: %.*s\n"
                     "  schema_unknown: upgrade the projector; log_replaced, log_truncated: "
                     "sijangctl repair\n",
                     TEXT_ARGS(stuck->context), (long long)stuck->partition,
                     TEXT_ARGS(stuck->halted));
    else if (stuck->age_ms > AGE_MS_MAX)
        (void)printf("%.*s/%lld: no projector has told of it for %s\n"
                     "  is one running? what does its /ready say?\n",
                     TEXT_ARGS(stuck->context), (long long)stuck->partition,
                     database_age(stuck->age_ms, arena));
    else if (stuck->behind > 0)
        (void)printf("%.*s/%lld is %lld records behind, and read on\n", TEXT_ARGS(stuck->context),
                     (long long)stuck->partition, (long long)stuck->behind);
    else
        return false;
    return true;
}

static bool tell(struct db_connection *connection, const char *view, const char *key,
                 struct arena *arena, struct error *error)
{
    const struct db_value values[] = {db_text(text_of(view)), db_text(text_of(key))};
    struct db_rows blocking, stuck;
    if (!db_run(connection, &blocking_read, values, arena, &blocking, error) ||
        !db_run(connection, &stuck_read, values, arena, &stuck, error))
        return false;
    if (stuck.count == 0)
        return error_set(error, FAULT_CONFIG_INVALID, "no projector has ever kept %s", view);
    bool told = blocking.count > 0;
    for (size_t i = 0; i < blocking.count; i++)
        tell_blocking(view, (const struct blocking *)blocking.items + i, arena);
    for (size_t i = 0; i < stuck.count; i++)
        told = tell_stuck((const struct stuck *)stuck.items + i, arena) || told;
    if (!told)
        (void)printf("nothing keeps %s%s%s from going on\n", view, key != NULL ? " " : "",
                     key != NULL ? key : "");
    return true;
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct database_settings given;
    if (argc < 2 || argc > 3 || argv[1][0] == '-') {
        error_set(error, FAULT_CONFIG_INVALID, "VIEW and perhaps KEY are needed, try --help");
        return COMMAND_MISUSED;
    }
    if (!config_load(settings, &given, error))
        return COMMAND_MISUSED;
    struct arena CLEANUP(arena_done) arena;
    arena_init(&arena, ARENA_BYTES_MAX);
    struct db_connection *connection = database_open(&given, statements, error);
    bool fine =
        connection != NULL && tell(connection, argv[1], argc > 2 ? argv[2] : NULL, &arena, error);
    connection = db_close(connection);
    return fine ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command why = {
    .words = {"why"},
    .arguments = "VIEW [KEY]",
    .help = "  Says what keeps a view, or one row of it, from going on: events that cannot be\n"
            "  applied, with the error, who waits behind and the command to give; partitions\n"
            "  that are halted, silent or behind.\n"
            "\n"
            "  Example: sijangctl why product_list 0197a2c4-0000-7000-8000-000000000001\n",
    .settings = settings,
    .run = run,
};
