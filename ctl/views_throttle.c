/* sijangctl views throttle: how fast a rebuild may read. */
#include "ctl/views_rebuild.h"

#include <stdio.h>

#define RATE_MAX 100000000
#define RATE_OFF (-1)

static const struct db_statement throttle = {
    .name = "views_throttle",
    .sql = "SELECT projector.rebuild_throttle($1, $2) AS done",
    .parameters = (const enum db_type[]){DB_TEXT, DB_INTEGER},
    .parameter_count = 2,
    .row = &rebuild_done_record,
};

static const struct db_statement *const statements[] = {&throttle, NULL};

static bool set(struct rebuild_call *call, int64_t rate, struct error *error)
{
    const struct db_value values[] = {db_text(call->view), db_integer(rate)};
    if (!rebuild_ask(call, &throttle, values, error))
        return false;
    (void)printf("%.*s: ", TEXT_ARGS(call->view));
    if (rate == RATE_OFF)
        (void)printf("as fast as it can, whatever the live views suffer\n");
    else if (rate == 0)
        (void)printf("as fast as the live views let it\n");
    else
        (void)printf("%lld records a second at most\n", (long long)rate);
    return true;
}

static enum command_exit read_rate(const struct rebuild_call *call, int64_t *ret_rate,
                                   struct error *error)
{
    struct text given = call->more != NULL ? text_of(call->more) : (struct text){0};
    *ret_rate = RATE_OFF;
    if (text_is(given, "off") ||
        (text_to_integer(given, ret_rate) && *ret_rate >= 0 && *ret_rate <= RATE_MAX))
        return COMMAND_DONE;
    error_set(error, FAULT_CONFIG_INVALID, "how many records a second? From 0 to %d, or off",
              RATE_MAX);
    return COMMAND_MISUSED;
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct rebuild_call call;
    int64_t rate;
    enum command_exit outcome = rebuild_call_begin(&call, argc, argv, statements,
                                                   REBUILD_TAKES_MORE | REBUILD_TAKES_NAMES, error);
    if (outcome == COMMAND_DONE)
        outcome = read_rate(&call, &rate, error);
    if (outcome == COMMAND_DONE && !set(&call, rate, error))
        outcome = COMMAND_FAILED;
    rebuild_call_end(&call);
    return outcome;
}

const struct command views_throttle = {
    .words = {"views", "throttle"},
    .arguments = "VIEW RECORDS|off [--as NAME] [--reason TEXT]",
    .help = "  How many records a second a rebuild may read; 0: as many as it can. In any case it\n"
            "  gives way to the live views, unless that is off, too. Audited.\n"
            "\n"
            "  Example: sijangctl views throttle product_list 50000\n",
    .settings = rebuild_settings,
    .run = run,
};
