/* sijangctl migrate: brings the database's schema up to the numbered files of a folder. Each file
 * runs in a transaction with its row in sijang_migrations; one migrator at a time, the others wait.
 */
#include "ctl/command.h"

#include "ctl/migration_file.h"
#include "lib/core/buffer.h"
#include "lib/db/connection.h"
#include <stddef.h>
#include <stdio.h>

#define ARENA_BYTES_MAX  ((size_t)64 * 1024 * 1024)
#define SCRIPT_BYTES_MAX ((size_t)2 * 1024 * 1024)
#define FOLDER_INITIAL   "migrations"

struct migrate_settings {
    struct secret database;
};

static const struct config_entry settings[] = {
    {"SIJANG_DATABASE", CONFIG_SECRET, offsetof(struct migrate_settings, database), NULL, 1, 1000,
     "libpq connection string."},
    {0},
};

struct applied {
    int64_t number;
    struct text name;
    struct text sha256;
};

static const struct record applied_row = {
    .name = "applied",
    .size = sizeof(struct applied),
    .fields =
        (const struct field[]){
            {FIELD_AT(applied, number), .kind = FIELD_INTEGER},
            {FIELD_AT(applied, name), .kind = FIELD_TEXT},
            {FIELD_AT(applied, sha256), .kind = FIELD_TEXT},
        },
    .field_count = 3,
};

static const struct record truth_row = {
    .name = "truth",
    .size = sizeof(bool),
    .fields = (const struct field[]){{.name = "truth", .kind = FIELD_BOOLEAN}},
    .field_count = 1,
};

/* "sijang" as a number, shared with this script's own lock. Two first runs must not create at once.
 */
static const char create_table[] = "SELECT pg_advisory_xact_lock(126896593530471);"
                                   "CREATE TABLE IF NOT EXISTS public.sijang_migrations ("
                                   "  number bigint PRIMARY KEY,"
                                   "  name text NOT NULL,"
                                   "  sha256 text NOT NULL,"
                                   "  applied_at timestamptz NOT NULL DEFAULT now())";

/* Held by the session, so it ends with the process. */
static const struct db_statement lock_migrations = {
    .name = "lock_migrations",
    .sql = "SELECT pg_advisory_lock(126896593530471)::text IS NOT NULL AS truth",
    .row = &truth_row,
};

static const struct db_statement list_applied = {
    .name = "list_applied",
    .sql = "SELECT number, name, sha256 FROM public.sijang_migrations ORDER BY number",
    .row = &applied_row,
};

/* A script takes no parameters: they travel as settings of the session. */
static const struct db_statement announce_migration = {
    .name = "announce_migration",
    .sql = "SELECT (set_config('sijang.migration_number', $1, false)"
           " || set_config('sijang.migration_name', $2, false)"
           " || set_config('sijang.migration_sha256', $3, false)) IS NOT NULL AS truth",
    .parameters = (const enum db_type[]){DB_TEXT, DB_TEXT, DB_TEXT},
    .parameter_count = 3,
    .row = &truth_row,
};

static const char note_migration[] =
    "\n;INSERT INTO public.sijang_migrations (number, name, sha256) VALUES ("
    "current_setting('sijang.migration_number')::bigint,"
    "current_setting('sijang.migration_name'),"
    "current_setting('sijang.migration_sha256'))";

static const struct db_statement *const statements[] = {
    &lock_migrations,
    &list_applied,
    &announce_migration,
    NULL,
};

struct migrator {
    struct db_connection *connection;
    struct arena arena;
    struct migration_files files;
    const struct applied *applied;
    size_t applied_count;
};

static struct db_connection *connect(const struct migrate_settings *given,
                                     const struct db_statement *const *prepared,
                                     struct error *error)
{
    return db_connect(
        &(struct db_options){
            .conninfo = given->database.reveal,
            .application_name = "sijangctl migrate",
            .statements = prepared,
        },
        error);
}

/* Statements are compared with the server when connecting, so the table comes first. */
static bool prepare_table(const struct migrate_settings *given, struct error *error)
{
    static const struct db_statement *const none[] = {NULL};
    struct db_connection *connection = connect(given, none, error);
    if (connection == NULL)
        return false;
    bool fine = db_run_script(connection, create_table, error);
    db_close(connection);
    return fine;
}

static bool load_applied(struct migrator *migrator, struct error *error)
{
    struct db_rows rows;
    if (!db_run(migrator->connection, &lock_migrations, NULL, &migrator->arena, &rows, error) ||
        !db_run(migrator->connection, &list_applied, NULL, &migrator->arena, &rows, error))
        return false;
    migrator->applied = rows.items;
    migrator->applied_count = rows.count;
    return true;
}

static const struct applied *find_applied(const struct migrator *migrator, int64_t number)
{
    for (size_t i = 0; i < migrator->applied_count; i++)
        if (migrator->applied[i].number == number)
            return &migrator->applied[i];
    return NULL;
}

/* Nothing is applied unless all that is applied already is what the folder says. */
static bool compare(const struct migrator *migrator, struct error *error)
{
    int64_t newest = 0;
    if (migrator->applied_count > 0)
        newest = migrator->applied[migrator->applied_count - 1].number;
    for (size_t i = 0; i < migrator->files.count; i++) {
        const struct migration_file *file = &migrator->files.items[i];
        const struct applied *applied = find_applied(migrator, file->number);
        if (applied == NULL && file->number < newest)
            return error_set(error, FAULT_CONFIG_INVALID, "%.*s comes too late: %lld is applied",
                             TEXT_ARGS(file->name), (long long)newest);
        if (applied != NULL && !text_equal(applied->sha256, file->sha256))
            return error_set(error, FAULT_CONFIG_INVALID, "%.*s has changed since it was applied",
                             TEXT_ARGS(file->name));
    }
    return true;
}

static bool apply(struct migrator *migrator, const struct migration_file *file, struct error *error)
{
    struct buffer CLEANUP(buffer_done) script;
    struct db_rows rows;
    const char *number = arena_print(&migrator->arena, "%lld", (long long)file->number);
    const struct db_value values[] = {
        db_text(text_of(number)),
        db_text(file->name),
        db_text(file->sha256),
    };

    buffer_init(&script, SCRIPT_BYTES_MAX);
    buffer_put_string(&script, file->sql);
    buffer_put_string(&script, note_migration);
    buffer_put_byte(&script, '\0');
    if (number == NULL || script.failed)
        return error_set(error, FAULT_OUT_OF_MEMORY, "%.*s", TEXT_ARGS(file->name));
    if (!db_run(migrator->connection, &announce_migration, values, &migrator->arena, &rows,
                error) ||
        !db_run_script(migrator->connection, (const char *)script.bytes, error))
        return error_add(error, "%.*s", TEXT_ARGS(file->name));
    (void)printf("applied %.*s\n", TEXT_ARGS(file->name));
    return true;
}

static bool apply_missing(struct migrator *migrator, struct error *error)
{
    size_t count = 0;
    if (!load_applied(migrator, error) || !compare(migrator, error))
        return false;
    for (size_t i = 0; i < migrator->files.count; i++) {
        const struct migration_file *file = &migrator->files.items[i];
        if (find_applied(migrator, file->number) != NULL)
            continue;
        if (!apply(migrator, file, error))
            return false;
        count++;
    }
    (void)printf("%zu applied, %zu were already\n", count, migrator->files.count - count);
    return true;
}

static bool migrate_folder(const char *folder, const struct migrate_settings *given,
                           struct error *error)
{
    struct migrator migrator = {0};
    arena_init(&migrator.arena, ARENA_BYTES_MAX);
    bool fine = migration_files_read(folder, &migrator.arena, &migrator.files, error) &&
                prepare_table(given, error);
    if (fine) {
        migrator.connection = connect(given, statements, error);
        fine = migrator.connection != NULL && apply_missing(&migrator, error);
    }
    db_close(migrator.connection);
    arena_done(&migrator.arena);
    return fine;
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    static const struct command_flag none[] = {{0}};
    struct migrate_settings given;

    if (!command_words(argc, argv, none, 1, error) || !config_load(settings, &given, error))
        return COMMAND_MISUSED;
    const char *folder = optind < argc ? argv[optind] : FOLDER_INITIAL;
    return migrate_folder(folder, &given, error) ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command migrate = {
    .words = {"migrate"},
    .arguments = "[FOLDER]",
    .help =
        "  Applies the files NNNN_words.sql of FOLDER (\"migrations\" unless given) that are not\n"
        "  applied yet, in order, each in a transaction of its own, and notes them in\n"
        "  sijang_migrations. Refuses when a file has changed since it was applied, or comes\n"
        "  before one that is applied. Several at once are harmless: they wait for each other.\n"
        "  The files contain no BEGIN or COMMIT.\n"
        "\n"
        "  Example: SIJANG_DATABASE='host=127.0.0.1 dbname=sijang' sijangctl migrate\n",
    .settings = settings,
    .run = run,
};
