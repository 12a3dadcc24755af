/* What commands that look into the database need. */
#include "ctl/database.h"

#include "lib/core/buffer.h"
#include "lib/record/json.h"
#include <stdio.h>

#define TIMEOUT_MS     10000
#define LINE_BYTES_MAX ((size_t)64 * 1024)

struct db_connection *database_open(const struct database_settings *settings,
                                    const struct db_statement *const *statements,
                                    struct error *error)
{
    return db_connect(
        &(struct db_options){
            .conninfo = settings->database.reveal,
            .application_name = "sijangctl",
            .timeout_ms = TIMEOUT_MS,
            .statements = statements,
        },
        error);
}

void database_print(const struct record *record, const void *row)
{
    struct buffer CLEANUP(buffer_done) line;

    buffer_init(&line, LINE_BYTES_MAX);
    json_write(record, row, &line);
    (void)printf("%.*s\n", TEXT_ARGS(buffer_text(&line)));
}

const char *database_age(int64_t age_ms, struct arena *arena)
{
    const char *text;
    if (age_ms < 0)
        text = "never";
    else if (age_ms < 120000)
        text = arena_print(arena, "%lld s", (long long)(age_ms / 1000));
    else if (age_ms < 7200000)
        text = arena_print(arena, "%lld min", (long long)(age_ms / 60000));
    else
        text = arena_print(arena, "%lld h", (long long)(age_ms / 3600000));
    return text != NULL ? text : "?";
}
