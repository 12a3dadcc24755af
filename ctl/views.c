/* sijangctl views and sijangctl lag: how far the views are. */
#include "ctl/database.h"

#include <stddef.h>
#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)4 * 1024 * 1024)
/* A projector that lives tells where it is once a second. */
#define AGE_MS_MAX 5000

static const struct config_entry settings[] = {DATABASE_SETTING(struct database_settings), {0}};

struct standing_line {
    struct text view;
    int64_t revision;
    struct text context;               /* absent: all of them */
    struct optional_integer partition; /* as well */
    int64_t lag_events;
    int64_t heard_age_ms; /* of what is known; -1: nothing */
    int64_t parked_events;
    int64_t halted_partitions;
    bool live; /* readers get it */
};

/* Named as in GET /v1/views. */
static const struct field standing_fields[] = {
    {FIELD_AT(standing_line, view), .kind = FIELD_TEXT},
    {FIELD_AT(standing_line, revision), .kind = FIELD_INTEGER},
    {FIELD_AT(standing_line, context), .kind = FIELD_TEXT, .optional = true},
    {FIELD_AT(standing_line, partition), .kind = FIELD_INTEGER, .optional = true},
    {FIELD_AT(standing_line, lag_events), .kind = FIELD_INTEGER},
    {FIELD_AT(standing_line, heard_age_ms), .kind = FIELD_INTEGER},
    {FIELD_AT(standing_line, parked_events), .kind = FIELD_INTEGER},
    {FIELD_AT(standing_line, halted_partitions), .kind = FIELD_INTEGER},
    {FIELD_AT(standing_line, live), .kind = FIELD_BOOLEAN},
};

static const struct record standing_record = {
    .name = "StandingLine",
    .size = sizeof(struct standing_line),
    .fields = standing_fields,
    .field_count = COUNT_OF(standing_fields),
};

static const struct db_statement views_read = {
    .name = "views_read",
    .sql = "SELECT f.view, f.revision, NULL::text, NULL::bigint,"
           " coalesce(sum(greatest(p.end_offset - p.next_offset, 0)), 0)::bigint,"
           " coalesce((max(extract(epoch FROM clock_timestamp() - p.updated_at)) * 1000)::bigint,"
           " -1), coalesce(sum(p.parked), 0)::bigint, count(p.halted), f.live AND f.revision > 0"
           " FROM projector.fingerprint AS f LEFT JOIN projector.position AS p"
           " ON p.view = f.view AND p.revision = f.revision GROUP BY f.view, f.revision,"
           " f.live ORDER BY f.view, f.revision",
    .row = &standing_record,
};

static const struct db_statement lag_read = {
    .name = "lag_read",
    .sql = "SELECT view, revision, context, partition::bigint,"
           " greatest(end_offset - next_offset, 0),"
           " (extract(epoch FROM clock_timestamp() - updated_at) * 1000)::bigint, parked,"
           " (halted IS NOT NULL)::integer::bigint, true FROM projector.position"
           " ORDER BY view, revision, context, partition",
    .row = &standing_record,
};

static void print_line(const struct standing_line *line, struct arena *arena)
{
    (void)printf("%-28.*s r%-3lld", TEXT_ARGS(line->view), (long long)line->revision);
    if (line->context.bytes != NULL)
        (void)printf(" %12.*s/%-4lld", TEXT_ARGS(line->context), (long long)line->partition.value);
    bool silent = line->heard_age_ms > AGE_MS_MAX || line->heard_age_ms < 0;
    (void)printf(" %12lld %8s %8lld %8lld%s%s\n", (long long)line->lag_events,
                 database_age(line->heard_age_ms, arena), (long long)line->parked_events,
                 (long long)line->halted_partitions, silent ? "  no projector tells" : "",
                 line->live ? "" : "  not live");
}

static void print_table(const struct db_rows *rows, bool parts, struct arena *arena)
{
    (void)printf("%-28s %-4s%s %12s %8s %8s %8s\n", "view", "rev",
                 parts ? "           context/part" : "", "behind", "heard", "parked", "halted");
    for (size_t i = 0; i < rows->count; i++)
        print_line((const struct standing_line *)rows->items + i, arena);
}

static enum command_exit show(int argc, char **argv, const struct db_statement *statement,
                              struct error *error)
{
    bool json = false;
    const struct command_flag flags[] = {{"json", &json}, {0}};
    const struct db_statement *const statements[] = {statement, NULL};
    struct database_settings given;
    struct db_rows rows;
    if (!command_words(argc, argv, flags, 0, error) || !config_load(settings, &given, error))
        return COMMAND_MISUSED;
    struct arena CLEANUP(arena_done) arena;
    arena_init(&arena, ARENA_BYTES_MAX);
    struct db_connection *connection = database_open(&given, statements, error);
    bool fine = connection != NULL && db_run(connection, statement, NULL, &arena, &rows, error);
    connection = db_close(connection);
    if (!fine)
        return COMMAND_FAILED;
    for (size_t i = 0; json && i < rows.count; i++)
        database_print(&standing_record, (const struct standing_line *)rows.items + i);
    if (!json)
        print_table(&rows, statement == &lag_read, &arena);
    return COMMAND_DONE;
}

static enum command_exit run_views(int argc, char **argv, struct error *error)
{
    return show(argc, argv, &views_read, error);
}

static enum command_exit run_lag(int argc, char **argv, struct error *error)
{
    return show(argc, argv, &lag_read, error);
}

const struct command views = {
    .words = {"views"},
    .arguments = "[--json]",
    .help = "  Lists all views: records behind the log's end, when a projector told so last,\n"
            "  events parked, partitions halted. `sijangctl why VIEW` tells more.\n"
            "\n"
            "  --json  an object a line, with the names of GET /v1/views\n"
            "\n"
            "  Example: sijangctl views\n",
    .settings = settings,
    .run = run_views,
};

const struct command lag = {
    .words = {"lag"},
    .arguments = "[--json]",
    .help = "  The same as `sijangctl views`, for each context and partition.\n"
            "\n"
            "  --json  an object a line\n"
            "\n"
            "  Example: sijangctl lag\n",
    .settings = settings,
    .run = run_lag,
};
