/* sijangctl repair: views whose place is not in the log any more begin again. */
#include "ctl/views_check.h"
#include "lib/log/admin.h"
#include "schemas/contexts.h"

#include <inttypes.h>
#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define TIMEOUT_MS      10000

struct repair_settings {
    const char *brokers;
    struct secret database;
};

static const struct config_entry settings[] = {
    BROKERS_SETTING(struct repair_settings), DATABASE_SETTING(struct repair_settings), {0}};

struct done {
    bool done;
};

static const struct record done_record = {
    .name = "Done",
    .size = sizeof(struct done),
    .fields = (const struct field[]){{FIELD_AT(done, done), .kind = FIELD_BOOLEAN}},
    .field_count = 1,
};

static const enum db_type reset_types[] = {DB_TEXT, DB_INTEGER, DB_TEXT};

static const struct db_statement reset = {
    .name = "reset_view",
    .sql = "SELECT projector.reset_view($1, $2, $3) AS done",
    .parameters = reset_types,
    .parameter_count = COUNT_OF(reset_types),
    .row = &done_record,
};

static const struct db_statement *const statements[] = {&views_check_statement, &reset, NULL};

struct repair {
    struct db_connection *connection;
    struct log_admin *admin;
    struct arena *arena;
    bool yes;
    size_t left; /* what is wrong and was not mended */
};

static const struct views_place *first_wrong(const struct views_place *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (places[i].fault.fault != FAULT_NONE)
            return &places[i];
    return NULL;
}

static const struct context *context_of(const struct views_place *place)
{
    size_t i = 0;
    while (i < CONTEXT_COUNT && !text_is(place->context, contexts[i].name))
        i++;
    return i < CONTEXT_COUNT ? &contexts[i] : NULL;
}

/* Emptied, a view needs every record there ever was. *ret_first: where the log begins that has not
 * got its first ones any more; 0: none does. */
static bool find_beginning(const struct repair *mending, const struct views_place *places,
                           size_t count, int64_t *ret_first, struct error *error)
{
    *ret_first = 0;
    for (size_t i = 0; i < count && *ret_first == 0; i++) {
        const struct context *context = context_of(&places[i]);
        struct log_span span;
        if (context == NULL)
            continue;
        const struct log_place place = {context->topic, (int32_t)places[i].partition};
        if (!log_admin_span(mending->admin, &place, &span, error))
            return error_add(error, "%s/%d", context->topic, (int)place.partition);
        *ret_first = span.first;
    }
    return true;
}

static bool begin_again(struct repair *mending, const struct views_place *wrong,
                        struct error *error)
{
    struct db_rows rows;
    const struct db_value values[] = {db_text(wrong->view), db_integer(wrong->revision),
                                      db_text(text_of(wrong->fault.detail))};
    if (!db_run(mending->connection, &reset, values, mending->arena, &rows, error))
        return error_add(error, "%.*s", TEXT_ARGS(wrong->view));
    (void)printf("  done: it is empty and reads the log from the beginning\n");
    return true;
}

/* False: the database or the log refused it. */
static bool mend(struct repair *mending, const struct views_place *places, size_t count,
                 struct error *error)
{
    const struct views_place *wrong = first_wrong(places, count);
    (void)printf("%.*s r%" PRId64 ": ", TEXT_ARGS(places->view), places->revision);
    if (wrong == NULL) {
        (void)printf("fine, it follows the log\n");
        return true;
    }
    (void)printf("%.*s/%" PRId64 "@%" PRId64 " %s: %s\n", TEXT_ARGS(wrong->context),
                 wrong->partition, wrong->next_offset, fault_entry(wrong->fault.fault)->code,
                 wrong->fault.detail);
    int64_t first = 0;
    if (views_place_is_lost(wrong) && !find_beginning(mending, places, count, &first, error))
        return false;
    if (views_place_is_lost(wrong) && wrong->revision > 0 && mending->yes && first == 0)
        return begin_again(mending, wrong, error);
    mending->left++;
    if (!views_place_is_lost(wrong))
        (void)printf("  not for this command: sijangctl verify log\n");
    else if (first > 0)
        (void)printf("  the log begins at %" PRId64 ": retention took what was before, and emptied "
                     "the view could not be made\n  again. Its rows stay as they are. Restore the "
                     "topic, then repeat this\n",
                     first);
    else if (wrong->revision < 0)
        (void)printf("  a copy beside the live view: sijangctl views drop %.*s\n",
                     TEXT_ARGS(wrong->view));
    else
        (void)printf("  with --yes: it is emptied and reads the log from the beginning; until it "
                     "is at the end, readers see less\n");
    return true;
}

static bool mend_all(struct repair *mending, const struct views_places *places, struct error *error)
{
    for (size_t first = 0, count; first < places->count; first += count) {
        count = views_places_of_one(places, first);
        if (!mend(mending, &places->items[first], count, error))
            return false;
    }
    return mending->left == 0 ||
           error_set(error, FAULT_DATA_CORRUPT, "%zu views are not mended", mending->left);
}

static bool read_arguments(int argc, char **argv, bool *ret_yes, struct error *error)
{
    const struct command_flag flags[] = {{"yes", ret_yes}, {0}};
    *ret_yes = false;
    return command_words(argc, argv, flags, 0, error);
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct repair_settings given;
    struct views_places places;
    struct arena CLEANUP(arena_done) arena;
    struct repair mending = {.arena = &arena};
    arena_init(&arena, ARENA_BYTES_MAX);
    if (!read_arguments(argc, argv, &mending.yes, error) || !config_load(settings, &given, error))
        return COMMAND_MISUSED;
    const struct database_settings database = {given.database};
    mending.connection = database_open(&database, statements, error);
    if (mending.connection != NULL)
        mending.admin = log_admin_open(given.brokers, TIMEOUT_MS, error);
    bool fine = mending.admin != NULL &&
                views_check(mending.connection, given.brokers, &arena, &places, error) &&
                mend_all(&mending, &places, error);
    mending.admin = log_admin_close(mending.admin);
    mending.connection = db_close(mending.connection);
    return fine ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command repair = {
    .words = {"repair"},
    .arguments = "[--yes]",
    .help =
        "  After a restore. Postgres older than the log: nothing to do, the views follow. Kafka\n"
        "  older than Postgres, or another log: views say what no record says any more. It\n"
        "  tells which; with --yes they are emptied and read the log from the beginning (events\n"
        "  that were discarded stay so). Running projectors go on by themselves. Audited. A view\n"
        "  is left as it is where the log has not got its first records any more.\n"
        "\n"
        "  Exits with 1 as long as something is left to mend.\n"
        "\n"
        "  Example: sijangctl repair --yes\n",
    .settings = settings,
    .run = run,
};
