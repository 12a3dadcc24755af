/* Commands about rebuilds: from arguments to one statement. */
#include "ctl/views_rebuild.h"

#include "ctl/database.h"
#include <assert.h>
#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)256 * 1024 * 1024)
#define STATEMENTS_MAX  4

const struct config_entry rebuild_settings[] = {DATABASE_SETTING(struct database_settings), {0}};

struct done {
    bool done;
};

const struct record rebuild_done_record = {
    .name = "done",
    .size = sizeof(struct done),
    .fields = (const struct field[]){{FIELD_AT(done, done), .kind = FIELD_BOOLEAN}},
    .field_count = 1,
};

/* What the functions of the database note. */
static const struct db_statement introduce = {
    .name = "views_introduce",
    .sql = "SELECT set_config('sijang.who', $1, false) || set_config('sijang.why', $2, false)"
           " IS NOT NULL AS done",
    .parameters = (const enum db_type[]){DB_TEXT, DB_TEXT},
    .parameter_count = 2,
    .row = &rebuild_done_record,
};

static enum command_exit read_arguments(struct rebuild_call *call, int argc, char **argv,
                                        unsigned takes, struct error *error)
{
    static const struct option options[] = {
        {"as", required_argument, NULL, 'a'},
        {"reason", required_argument, NULL, 'r'},
        {"json", no_argument, NULL, 'j'},
        {0},
    };
    int found;
    opterr = 0;
    int more_max = (takes & REBUILD_TAKES_MORE) != 0;
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if ((takes & (found == 'j' ? REBUILD_TAKES_JSON : REBUILD_TAKES_NAMES)) == 0)
            return command_misused(argv, error);
        if (found == 'a')
            call->who = optarg;
        else if (found == 'r')
            call->why = optarg;
        else if (found == 'j')
            call->json = true;
        else
            return command_misused(argv, error);
    }
    if (argc == optind) {
        error_set(error, FAULT_CONFIG_INVALID, "which view? Try --help");
        return COMMAND_MISUSED;
    }
    if (argc - optind > 1 + more_max) {
        error_set(error, FAULT_CONFIG_INVALID, "%s is too much, try --help",
                  argv[optind + 1 + more_max]);
        return COMMAND_MISUSED;
    }
    call->view = text_of(argv[optind]);
    call->more = optind + 1 < argc ? argv[optind + 1] : NULL;
    return COMMAND_DONE;
}

static bool tell_names(struct rebuild_call *call, struct error *error)
{
    struct db_rows rows;
    const struct db_value values[] = {db_text(text_of(call->who != NULL ? call->who : "")),
                                      db_text(text_of(call->why != NULL ? call->why : ""))};
    return (call->who == NULL && call->why == NULL) ||
           db_run(call->connection, &introduce, values, &call->arena, &rows, error);
}

enum command_exit rebuild_call_begin(struct rebuild_call *call, int argc, char **argv,
                                     const struct db_statement *const *statements, unsigned takes,
                                     struct error *error)
{
    const struct db_statement *all[STATEMENTS_MAX + 2] = {&introduce};
    struct database_settings given;
    *call = (struct rebuild_call){0};
    arena_init(&call->arena, ARENA_BYTES_MAX);
    enum command_exit read = read_arguments(call, argc, argv, takes, error);
    if (read != COMMAND_DONE)
        return read;
    if (!config_load(rebuild_settings, &given, error))
        return COMMAND_MISUSED;
    for (size_t i = 0; statements[i] != NULL; i++) {
        assert(i < STATEMENTS_MAX);
        all[i + 1] = statements[i];
    }
    call->connection = db_connect(
        &(struct db_options){
            .conninfo = given.database.reveal,
            .application_name = "sijangctl views",
            .statements = all,
        },
        error);
    return call->connection != NULL && tell_names(call, error) ? COMMAND_DONE : COMMAND_FAILED;
}

void rebuild_call_end(struct rebuild_call *call)
{
    call->connection = db_close(call->connection);
    arena_done(&call->arena);
}

bool rebuild_ask(struct rebuild_call *call, const struct db_statement *statement,
                 const struct db_value *values, struct error *error)
{
    struct db_rows rows;
    if (!db_run(call->connection, statement, values, &call->arena, &rows, error))
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
    enum command_exit outcome =
        rebuild_call_begin(&call, argc, argv, statements, REBUILD_TAKES_NAMES, error);
    const struct db_value view = db_text(call.view);
    if (outcome == COMMAND_DONE && !rebuild_ask(&call, statement, &view, error))
        outcome = COMMAND_FAILED;
    if (outcome == COMMAND_DONE)
        (void)printf("%.*s: %s\n", TEXT_ARGS(call.view), done);
    rebuild_call_end(&call);
    return outcome;
}
