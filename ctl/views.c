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
    struct text context; /* of all: absent */
    int64_t partition;   /* of all: -1 */
    int64_t behind;      /* records */
    int64_t age_ms;      /* of what is known; -1: nothing */
    int64_t parked;      /* events */
    int64_t halted;      /* partitions */
    bool live;           /* readers get it */
};

static const struct field standing_fields[] = {
    {FIELD_AT(standing_line, view), .kind = FIELD_TEXT},
    {FIELD_AT(standing_line, revision), .kind = FIELD_INTEGER},
    {FIELD_AT(standing_line, context), .kind = FIELD_TEXT, .optional = true},
    {FIELD_AT(standing_line, partition), .kind = FIELD_INTEGER},
    {FIELD_AT(standing_line, behind), .kind = FIELD_INTEGER},
    {FIELD_AT(standing_line, age_ms), .kind = FIELD_INTEGER},
    {FIELD_AT(standing_line, parked), .kind = FIELD_INTEGER},
    {FIELD_AT(standing_line, halted), .kind = FIELD_INTEGER},
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
    .sql = "SELECT f.view, f.revision, NULL::text, -1::bigint,"
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
        (void)printf(" %12.*s/%-4lld", TEXT_ARGS(line->context), (long long)line->partition);
    (void)printf(" %12lld %8s %8lld %8lld%s%s\n", (long long)line->behind,
                 database_age(line->age_ms, arena), (long long)line->parked,
                 (long long)line->halted,
                 line->age_ms > AGE_MS_MAX || line->age_ms < 0 ? "  no projector tells" : "",
                 line->live ? "" : "  not live");
}

static enum command_exit show(int argc, char **argv, const struct db_statement *statement,
                              struct error *error)
{
    static const struct option options[] = {{0}};
    const struct db_statement *const statements[] = {statement, NULL};
    struct database_settings given;
    struct db_rows rows;
    opterr = 0;
    if (getopt_long(argc, argv, "", options, NULL) != -1 || optind != argc)
        return command_misused(argv, error);
    if (!config_load(settings, &given, error))
        return COMMAND_MISUSED;
    struct arena CLEANUP(arena_done) arena;
    arena_init(&arena, ARENA_BYTES_MAX);
    struct db_connection *connection = database_open(&given, statements, error);
    bool fine = connection != NULL && db_run(connection, statement, NULL, &arena, &rows, error);
    connection = db_close(connection);
    if (!fine)
        return COMMAND_FAILED;
    const struct standing_line *lines = rows.items;
    (void)printf("%-28s %-4s%s %12s %8s %8s %8s\n", "view", "rev",
                 statement == &lag_read ? "           context/part" : "", "behind", "heard",
                 "parked", "halted");
    for (size_t i = 0; i < rows.count; i++)
        print_line(&lines[i], &arena);
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
    .arguments = "",
    .help = "  Lists all views: records behind the log's end, when a projector told so last,\n"
            "  events parked, partitions halted. `sijangctl why VIEW` tells more.\n"
            "\n"
            "  Example: sijangctl views\n",
    .settings = settings,
    .run = run_views,
};

const struct command lag = {
    .words = {"lag"},
    .arguments = "",
    .help = "  The same as `sijangctl views`, for each context and partition.\n"
            "\n"
            "  Example: sijangctl lag\n",
    .settings = settings,
    .run = run_lag,
};
