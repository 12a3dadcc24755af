/* sijangctl repair: views whose place is not in the log any more begin again. */
#include "ctl/views_check.h"

#include <inttypes.h>
#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)16 * 1024 * 1024)

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

/* False: the database refused it. */
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
    if (views_place_is_lost(wrong) && wrong->revision > 0 && mending->yes)
        return begin_again(mending, wrong, error);
    mending->left++;
    if (!views_place_is_lost(wrong))
        (void)printf("  not for this command: sijangctl verify log\n");
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
    bool fine = mending.connection != NULL &&
                views_check(mending.connection, given.brokers, &arena, &places, error) &&
                mend_all(&mending, &places, error);
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
        "  that were discarded stay so). Running projectors go on by themselves. Audited.\n"
        "\n"
        "  Exits with 1 as long as something is left to mend.\n"
        "\n"
        "  Example: sijangctl repair --yes\n",
    .settings = settings,
    .run = run,
};
