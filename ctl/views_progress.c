/* sijangctl views plan | progress: what a rebuild would cost, and how far it is. */
#include "ctl/database.h"
#include "ctl/views_rebuild.h"

#include <stdio.h>

#define BAR_WIDTH 30
/* Records a second, until one was measured. */
#define RATE_GUESSED 100000

struct cost {
    int64_t revision;
    int64_t records;
    int64_t rows;
    int64_t bytes;
    int64_t rate; /* records a second, of rebuilds so far; 0: none yet */
};

static const struct field cost_fields[] = {
    {FIELD_AT(cost, revision), .kind = FIELD_INTEGER},
    {FIELD_AT(cost, records), .kind = FIELD_INTEGER},
    {FIELD_AT(cost, rows), .kind = FIELD_INTEGER},
    {FIELD_AT(cost, bytes), .kind = FIELD_INTEGER},
    {FIELD_AT(cost, rate), .kind = FIELD_INTEGER},
};

static const struct record cost_record = {
    .name = "cost",
    .size = sizeof(struct cost),
    .fields = cost_fields,
    .field_count = COUNT_OF(cost_fields),
};

static const struct db_statement read_cost = {
    .name = "views_plan",
    .sql = "SELECT revision, records, rows, bytes, rate FROM projector.rebuild_cost($1)",
    .parameters = (const enum db_type[]){DB_TEXT},
    .parameter_count = 1,
    .row = &cost_record,
};

struct progress {
    struct text state;
    bool paused;
    int64_t records_done;
    int64_t records_total;
    int64_t rows;
    int64_t replay_ms;
    int64_t behind; /* records, of the live view */
    int64_t swaps;
    struct text trouble;
};

static const struct field progress_fields[] = {
    {FIELD_AT(progress, state), .kind = FIELD_TEXT},
    {FIELD_AT(progress, paused), .kind = FIELD_BOOLEAN},
    {FIELD_AT(progress, records_done), .kind = FIELD_INTEGER},
    {FIELD_AT(progress, records_total), .kind = FIELD_INTEGER},
    {FIELD_AT(progress, rows), .kind = FIELD_INTEGER},
    {FIELD_AT(progress, replay_ms), .kind = FIELD_INTEGER},
    {FIELD_AT(progress, behind), .kind = FIELD_INTEGER},
    {FIELD_AT(progress, swaps), .kind = FIELD_INTEGER},
    {FIELD_AT(progress, trouble), .kind = FIELD_TEXT, .optional = true},
};

static const struct record progress_record = {
    .name = "progress",
    .size = sizeof(struct progress),
    .fields = progress_fields,
    .field_count = COUNT_OF(progress_fields),
};

static const struct db_statement read_progress = {
    .name = "views_progress",
    .sql = "SELECT state, paused, records_done, records_total, rows, replay_ms,"
           " projector.rebuild_behind(view, revision) AS behind, swaps, trouble"
           " FROM projector.rebuild WHERE view = $1",
    .parameters = (const enum db_type[]){DB_TEXT},
    .parameter_count = 1,
    .row = &progress_record,
};

static void print_cost(struct text view, const struct cost *cost)
{
    (void)printf("%.*s, revision %lld: %lld records to read, about %lld rows, %lld MiB of disk",
                 TEXT_ARGS(view), (long long)cost->revision, (long long)cost->records,
                 (long long)cost->rows, (long long)(cost->bytes >> 20));
    int64_t rate = cost->rate > 0 ? cost->rate : RATE_GUESSED;
    (void)printf(", about %lld s at %lld records/s (%s)\n",
                 (long long)((cost->records + rate - 1) / rate), (long long)rate,
                 cost->rate > 0 ? "as the last rebuild" : "a guess: none was measured here yet");
}

static void print_bar(const struct progress *progress)
{
    int64_t total = progress->records_total > progress->records_done ? progress->records_total
                                                                     : progress->records_done;
    int full = total > 0 ? (int)(progress->records_done * BAR_WIDTH / total) : 0;
    int64_t rate =
        progress->replay_ms > 0 ? progress->records_done * 1000 / progress->replay_ms : 0;
    (void)printf("[%.*s%*s] %lld of %lld records", full, "##############################",
                 BAR_WIDTH - full, "", (long long)progress->records_done, (long long)total);
    if (rate > 0)
        (void)printf(", %lld/s, %lld s left", (long long)rate,
                     (long long)((total - progress->records_done) / rate));
    (void)printf("\n");
}

static void print_progress(struct text view, const struct progress *progress)
{
    bool follows = text_is(progress->state, "following");
    (void)printf("%.*s: %.*s%s, %lld rows%s\n", TEXT_ARGS(view), TEXT_ARGS(progress->state),
                 progress->paused ? " (paused)" : "", (long long)progress->rows,
                 progress->swaps % 2 == 1 ? "; swapped: these are the old ones" : "");
    if (follows)
        (void)printf("%lld records behind the live view\n", (long long)progress->behind);
    else
        print_bar(progress);
    if (progress->trouble.bytes != NULL)
        (void)printf("trouble: %.*s\n", TEXT_ARGS(progress->trouble));
}

static enum command_exit ask(struct rebuild_call *call, const struct db_statement *statement,
                             const void **ret_row, struct error *error)
{
    const struct db_value view = db_text(call->view);
    struct db_rows rows;
    if (!db_run(call->connection, statement, &view, &call->arena, &rows, error))
        return COMMAND_FAILED;
    *ret_row = rows.items;
    if (rows.count == 1)
        return COMMAND_DONE;
    error_set(error, FAULT_CONFIG_INVALID, "%.*s is not %s", TEXT_ARGS(call->view),
              statement == &read_cost ? "a view" : "being rebuilt");
    return COMMAND_FAILED;
}

static enum command_exit run_plan(int argc, char **argv, struct error *error)
{
    static const struct db_statement *const statements[] = {&read_cost, NULL};
    struct rebuild_call call;
    const void *row = NULL;
    enum command_exit outcome =
        rebuild_call_begin(&call, argc, argv, statements, REBUILD_TAKES_JSON, error);
    if (outcome == COMMAND_DONE)
        outcome = ask(&call, &read_cost, &row, error);
    if (outcome == COMMAND_DONE && call.json)
        database_print(&cost_record, row);
    else if (outcome == COMMAND_DONE)
        print_cost(call.view, row);
    rebuild_call_end(&call);
    return outcome;
}

static enum command_exit run_progress(int argc, char **argv, struct error *error)
{
    static const struct db_statement *const statements[] = {&read_progress, NULL};
    struct rebuild_call call;
    const void *row = NULL;
    enum command_exit outcome =
        rebuild_call_begin(&call, argc, argv, statements, REBUILD_TAKES_JSON, error);
    if (outcome == COMMAND_DONE)
        outcome = ask(&call, &read_progress, &row, error);
    if (outcome == COMMAND_DONE && call.json)
        database_print(&progress_record, row);
    else if (outcome == COMMAND_DONE)
        print_progress(call.view, row);
    rebuild_call_end(&call);
    return outcome;
}

const struct command views_plan = {
    .words = {"views", "plan"},
    .arguments = "VIEW [--json]",
    .help = "  What rebuilding VIEW would read, write and take. Nothing is changed.\n"
            "\n"
            "  --json  an object\n"
            "\n"
            "  Example: sijangctl views plan product_list\n",
    .settings = rebuild_settings,
    .run = run_plan,
};

const struct command views_progress = {
    .words = {"views", "progress"},
    .arguments = "VIEW [--json]",
    .help = "  How far the rebuild of VIEW is, how fast it goes, and what troubles it.\n"
            "\n"
            "  --json  an object\n"
            "\n"
            "  Example: sijangctl views progress product_list\n",
    .settings = rebuild_settings,
    .run = run_progress,
};
