/* Commands about rebuilds: from arguments to one statement. */
#include "ctl/views_rebuild.h"

#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)256 * 1024 * 1024)

struct rebuild_given {
    struct secret database;
};

const struct config_entry rebuild_settings[] = {
    {"SIJANG_DATABASE", CONFIG_SECRET, offsetof(struct rebuild_given, database), NULL, 1, 1000,
     "libpq connection string."},
    {0},
};

struct done {
    bool done;
};

const struct record rebuild_done_record = {
    .name = "done",
    .size = sizeof(struct done),
    .fields = (const struct field[]){{FIELD_AT(done, done), .kind = FIELD_BOOLEAN}},
    .field_count = 1,
};

static enum command_exit read_arguments(struct rebuild_call *call, int argc, char **argv,
                                        int more_max, struct error *error)
{
    static const struct option options[] = {{0}};
    opterr = 0;
    if (getopt_long(argc, argv, "", options, NULL) != -1)
        return command_misused(argv, error);
    if (argc - optind < 1 || argc - optind > 1 + more_max) {
        error_set(error, FAULT_CONFIG_INVALID, "%s, try --help",
                  argc == optind ? "which view?" : "too many arguments");
        return COMMAND_MISUSED;
    }
    call->view = text_of(argv[optind]);
    call->more = optind + 1 < argc ? argv[optind + 1] : NULL;
    return COMMAND_DONE;
}

enum command_exit rebuild_call_begin(struct rebuild_call *call, int argc, char **argv,
                                     const struct db_statement *const *statements, int more_max,
                                     struct error *error)
{
    struct rebuild_given given;
    *call = (struct rebuild_call){0};
    arena_init(&call->arena, ARENA_BYTES_MAX);
    enum command_exit read = read_arguments(call, argc, argv, more_max, error);
    if (read != COMMAND_DONE)
        return read;
    if (!config_load(rebuild_settings, &given, error))
        return COMMAND_MISUSED;
    call->connection = db_connect(
        &(struct db_options){
            .conninfo = given.database.reveal,
            .application_name = "sijangctl views",
            .statements = statements,
        },
        error);
    return call->connection != NULL ? COMMAND_DONE : COMMAND_FAILED;
}

void rebuild_call_end(struct rebuild_call *call)
{
    call->connection = db_close(call->connection);
    arena_done(&call->arena);
}

static bool ask(struct rebuild_call *call, const struct db_statement *statement,
                struct error *error)
{
    const struct db_value view = db_text(call->view);
    struct db_rows rows;
    if (!db_run(call->connection, statement, &view, &call->arena, &rows, error))
        return false;
    const struct done *done = rows.items;
    return (rows.count == 1 && done->done) ||
           error_set(error, FAULT_CONFIG_INVALID, "%.*s is not being rebuilt",
                     TEXT_ARGS(call->view));
}

enum command_exit rebuild_run(int argc, char **argv, const struct db_statement *statement,
                              const char *done, struct error *error)
{
    const struct db_statement *const statements[] = {statement, NULL};
    struct rebuild_call call;
    enum command_exit outcome = rebuild_call_begin(&call, argc, argv, statements, 0, error);
    if (outcome == COMMAND_DONE && !ask(&call, statement, error))
        outcome = COMMAND_FAILED;
    if (outcome == COMMAND_DONE)
        (void)printf("%.*s: %s\n", TEXT_ARGS(call.view), done);
    rebuild_call_end(&call);
    return outcome;
}
