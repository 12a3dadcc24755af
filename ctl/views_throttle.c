/* sijangctl views throttle: how fast a rebuild may read. */
#include "ctl/views_rebuild.h"

#include <stdio.h>

#define RATE_MAX 100000000

static const struct db_statement throttle = {
    .name = "views_throttle",
    .sql = "UPDATE projector.rebuild SET throttle = $2 WHERE view = $1 RETURNING true AS done",
    .parameters = (const enum db_type[]){DB_TEXT, DB_INTEGER},
    .parameter_count = 2,
    .row = &rebuild_done_record,
};

static const struct db_statement *const statements[] = {&throttle, NULL};

static bool set(struct rebuild_call *call, int64_t rate, struct error *error)
{
    const struct db_value values[] = {db_text(call->view), db_integer(rate)};
    struct db_rows rows;
    if (!db_run(call->connection, &throttle, values, &call->arena, &rows, error))
        return false;
    if (rows.count == 0)
        return error_set(error, FAULT_CONFIG_INVALID, "%.*s is not being rebuilt",
                         TEXT_ARGS(call->view));
    (void)printf("%.*s: %lld records a second at most\n", TEXT_ARGS(call->view), (long long)rate);
    return true;
}

static enum command_exit read_rate(const struct rebuild_call *call, int64_t *ret_rate,
                                   struct error *error)
{
    if (text_to_integer(text_of(call->more), ret_rate) && *ret_rate >= 0 && *ret_rate <= RATE_MAX)
        return COMMAND_DONE;
    error_set(error, FAULT_CONFIG_INVALID, "how many records a second? From 0 to %d", RATE_MAX);
    return COMMAND_MISUSED;
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct rebuild_call call;
    int64_t rate;
    enum command_exit outcome = rebuild_call_begin(&call, argc, argv, statements, 1, error);
    if (outcome == COMMAND_DONE)
        outcome = read_rate(&call, &rate, error);
    if (outcome == COMMAND_DONE && !set(&call, rate, error))
        outcome = COMMAND_FAILED;
    rebuild_call_end(&call);
    return outcome;
}

const struct command views_throttle = {
    .words = {"views", "throttle"},
    .arguments = "VIEW RECORDS",
    .help =
        "  How many records a second a rebuild may read; 0: as many as it can. It gives way by\n"
        "  itself while a live view is behind.\n"
        "\n"
        "  Example: sijangctl views throttle product_list 50000\n",
    .settings = rebuild_settings,
    .run = run,
};
