/* sijangctl views verify: do the rebuilt rows say what the live ones say? Both move while events
 * flow, each at its own pace. What differs in every one of many looks is a difference. */
#include "ctl/views_rebuild.h"

#include <stdio.h>
#include <time.h>

#define LOOKS_MAX   40
#define LOOK_MS     100
#define SHOWN_MAX   20
#define COMPARE_MAX 1000 /* of projector.rebuild_compare */

struct difference {
    struct text row_key;
    struct text live_row;
    struct text new_row;
};

static const struct record difference_record = {
    .name = "difference",
    .size = sizeof(struct difference),
    .fields =
        (const struct field[]){
            {FIELD_AT(difference, row_key), .kind = FIELD_TEXT},
            {FIELD_AT(difference, live_row), .kind = FIELD_TEXT, .optional = true},
            {FIELD_AT(difference, new_row), .kind = FIELD_TEXT, .optional = true},
        },
    .field_count = 3,
};

static const struct db_statement compare = {
    .name = "views_compare",
    .sql = "SELECT row_key, live_row, new_row FROM projector.rebuild_compare($1)",
    .parameters = (const enum db_type[]){DB_TEXT},
    .parameter_count = 1,
    .row = &difference_record,
};

struct digests {
    struct text columns; /* those that both have */
    int64_t live_revision;
    int64_t new_revision; /* -1: a copy */
    int64_t live_rows;
    struct text live_digest;
    int64_t new_rows;
    struct text new_digest;
};

static const struct record digests_record = {
    .name = "digests",
    .size = sizeof(struct digests),
    .fields =
        (const struct field[]){
            {FIELD_AT(digests, columns), .kind = FIELD_TEXT},
            {FIELD_AT(digests, live_revision), .kind = FIELD_INTEGER},
            {FIELD_AT(digests, new_revision), .kind = FIELD_INTEGER},
            {FIELD_AT(digests, live_rows), .kind = FIELD_INTEGER},
            {FIELD_AT(digests, live_digest), .kind = FIELD_TEXT},
            {FIELD_AT(digests, new_rows), .kind = FIELD_INTEGER},
            {FIELD_AT(digests, new_digest), .kind = FIELD_TEXT},
        },
    .field_count = 7,
};

static const struct db_statement digest = {
    .name = "views_digest",
    .sql = "SELECT columns, place.live_revision, place.new_revision, live.rows AS live_rows,"
           " live.digest AS live_digest, new.rows AS new_rows, new.digest AS new_digest"
           " FROM projector.rebuild_place($1) AS place, projector.rebuild_columns($1) AS columns,"
           " projector.digest(place.live_schema, $1, columns) AS live,"
           " projector.digest(place.new_schema, $1, columns) AS new",
    .parameters = (const enum db_type[]){DB_TEXT},
    .parameter_count = 1,
    .row = &digests_record,
};

REBUILD_FUNCTION(follows, "views_follows",
                 "SELECT true AS done FROM projector.rebuild"
                 " WHERE view = $1 AND state = 'following'");

static const struct db_statement *const statements[] = {&compare, &digest, &follows, NULL};

static void pause_a_while(void)
{
    const struct timespec moment = {.tv_nsec = LOOK_MS * 1000000L};
    (void)nanosleep(&moment, NULL);
}

static bool is_among(struct text key, const struct db_rows *rows)
{
    const struct difference *items = rows->items;
    for (size_t i = 0; i < rows->count; i++)
        if (text_equal(items[i].row_key, key))
            return true;
    return false;
}

/* Keeps of `standing` what is in `seen` as well, as seen now. */
static size_t keep_common(struct difference *standing, size_t count, const struct db_rows *seen)
{
    const struct difference *items = seen->items;
    size_t kept = 0;
    if (seen->count == COMPARE_MAX)
        return count; /* there may be more: nothing can be ruled out */
    for (size_t i = 0; i < count; i++)
        if (is_among(standing[i].row_key, seen))
            standing[kept++] = standing[i];
    for (size_t i = 0; i < kept; i++)
        for (size_t s = 0; s < seen->count; s++)
            if (text_equal(items[s].row_key, standing[i].row_key))
                standing[i] = items[s];
    return kept;
}

static bool look_many_times(struct rebuild_call *call, struct difference *standing,
                            size_t *ret_count, struct error *error)
{
    const struct db_value view = db_text(call->view);
    size_t count = 0;
    for (int look = 0; look == 0 || (look < LOOKS_MAX && count > 0); look++) {
        struct db_rows seen;
        if (look > 0)
            pause_a_while();
        if (!db_run(call->connection, &compare, &view, &call->arena, &seen, error))
            return false;
        const struct difference *items = seen.items;
        if (look == 0)
            for (; count < seen.count; count++)
                standing[count] = items[count];
        else
            count = keep_common(standing, count, &seen);
    }
    *ret_count = count;
    return true;
}

static struct text shown(struct text row)
{
    return row.bytes != NULL ? row : text_of("(no row)");
}

static void print_differences(const struct difference *standing, size_t count)
{
    for (size_t i = 0; i < count && i < SHOWN_MAX; i++)
        (void)printf("%.*s\n  live: %.*s\n  new:  %.*s\n", TEXT_ARGS(standing[i].row_key),
                     TEXT_ARGS(shown(standing[i].live_row)), TEXT_ARGS(shown(standing[i].new_row)));
    if (count > SHOWN_MAX)
        (void)printf("… and %zu more%s\n", count - SHOWN_MAX,
                     count == COMPARE_MAX ? ", at least" : "");
}

static bool must_follow(struct rebuild_call *call, struct error *error)
{
    const struct db_value view = db_text(call->view);
    struct db_rows rows;
    if (!db_run(call->connection, &follows, &view, &call->arena, &rows, error))
        return false;
    return rows.count == 1 ||
           error_set(error, FAULT_CONFIG_INVALID, "no rebuild of %.*s has been finished",
                     TEXT_ARGS(call->view));
}

static bool verify(struct rebuild_call *call, struct error *error)
{
    struct difference standing[COMPARE_MAX];
    const struct db_value view = db_text(call->view);
    struct db_rows rows;
    size_t count;
    if (!must_follow(call, error) || !look_many_times(call, standing, &count, error) ||
        !db_run(call->connection, &digest, &view, &call->arena, &rows, error))
        return false;
    const struct digests *digests = rows.items;
    if (digests->new_revision > 0)
        (void)printf("revisions %lld and %lld, columns that both have: %.*s\n",
                     (long long)digests->live_revision, (long long)digests->new_revision,
                     TEXT_ARGS(digests->columns));
    (void)printf("live: %lld rows, digest %.*s\nnew:  %lld rows, digest %.*s\n",
                 (long long)digests->live_rows, TEXT_ARGS(digests->live_digest),
                 (long long)digests->new_rows, TEXT_ARGS(digests->new_digest));
    print_differences(standing, count);
    if (count > 0)
        return error_set(error, FAULT_DATA_CORRUPT, "%zu rows differ", count);
    (void)printf("no row differs\n");
    return true;
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct rebuild_call call;
    enum command_exit outcome = rebuild_call_begin(&call, argc, argv, statements, 0, error);
    if (outcome == COMMAND_DONE && !verify(&call, error))
        outcome = COMMAND_FAILED;
    rebuild_call_end(&call);
    return outcome;
}

const struct command views_verify = {
    .words = {"views", "verify"},
    .arguments = "VIEW",
    .help = "  Compares the rebuilt rows of VIEW with the live ones, row by row and by digest,\n"
            "  and prints what differs. Rows that are on their way are looked at again, for 4 s.\n"
            "  Under load the digests may differ though no row does. Exit code 1: rows differ.\n"
            "\n"
            "  Example: sijangctl views verify product_list\n",
    .settings = rebuild_settings,
    .run = run,
};
