/* sijangctl verify views: does every view stand somewhere in the log that there is? */
#include "ctl/views_check.h"

#include <inttypes.h>
#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)16 * 1024 * 1024)

struct verify_settings {
    const char *brokers;
    struct secret database;
};

static const struct config_entry settings[] = {
    BROKERS_SETTING(struct verify_settings), DATABASE_SETTING(struct verify_settings), {0}};

static const struct db_statement *const statements[] = {&views_check_statement, NULL};

static int64_t behind(const struct views_place *place)
{
    return place->end > place->next_offset ? place->end - place->next_offset : 0;
}

/* A line for the view, and one for each place that is not in the log. Returns how many of those. */
static size_t tell(const struct views_place *places, size_t count)
{
    size_t wrong = 0;
    int64_t records = 0;
    for (size_t i = 0; i < count; i++) {
        wrong += places[i].fault.fault != FAULT_NONE;
        records += behind(&places[i]);
    }
    (void)printf("%.*s r%" PRId64 ": %zu positions, %zu of them not in the log",
                 TEXT_ARGS(places->view), places->revision, count, wrong);
    (void)printf(records > 0 && wrong == 0 ? "; %" PRId64 " records behind, it follows\n" : "\n",
                 records);
    for (size_t i = 0; i < count; i++)
        if (places[i].fault.fault != FAULT_NONE)
            (void)printf("  %.*s/%" PRId64 "@%" PRId64 ": %s: %s\n", TEXT_ARGS(places[i].context),
                         places[i].partition, places[i].next_offset,
                         fault_entry(places[i].fault.fault)->code, places[i].fault.detail);
    return wrong;
}

static bool tell_all(const struct views_places *places, struct error *error)
{
    size_t wrong = 0;
    for (size_t first = 0, count; first < places->count; first += count) {
        count = views_places_of_one(places, first);
        wrong += tell(&places->items[first], count);
    }
    return wrong == 0 || error_set(error, FAULT_DATA_CORRUPT,
                                   "%zu positions are not in the log: sijangctl repair", wrong);
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    static const struct command_flag none[] = {{0}};
    struct verify_settings given;
    struct views_places places;
    if (!command_words(argc, argv, none, 0, error) || !config_load(settings, &given, error))
        return COMMAND_MISUSED;
    struct arena CLEANUP(arena_done) arena;
    arena_init(&arena, ARENA_BYTES_MAX);
    const struct database_settings database = {given.database};
    struct db_connection *connection = database_open(&database, statements, error);
    bool fine = connection != NULL &&
                views_check(connection, given.brokers, &arena, &places, error) &&
                tell_all(&places, error);
    connection = db_close(connection);
    return fine ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command verify_views = {
    .words = {"verify", "views"},
    .arguments = "",
    .help =
        "  Compares where every view stands, in each partition, with the log: is the record it\n"
        "  read last still there, and the same? After a restore of Kafka or Postgres, before\n"
        "  anything else. What is behind the log's end is no finding. Nothing is changed.\n"
        "\n"
        "  Whether rows are right is told by a rebuild and `sijangctl views verify`.\n"
        "\n"
        "  Exits with 1 if a position is not in the log. It takes 10 s to be sure of that.\n"
        "\n"
        "  Example: sijangctl verify views\n",
    .settings = settings,
    .run = run,
};
