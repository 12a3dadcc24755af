/* The position table of a view's revision. */
#include "projector/positions.h"

#include <string.h>

/* A row of the table; `expected` is what the fence finds in next_offset. */
struct position_row {
    int64_t partition;
    struct text context;
    struct text log; /* absent: no claim read yet */
    int64_t next_offset;
    int64_t last_offset;
    int64_t term;
    int64_t seq;
    int64_t time_us;
    int64_t generation;
    int64_t end_offset;
    int64_t expected;
};

static const struct field position_fields[] = {
    {FIELD_AT(position_row, partition), .kind = FIELD_INTEGER},
    {FIELD_AT(position_row, context), .kind = FIELD_TEXT},
    {FIELD_AT(position_row, log), .kind = FIELD_TEXT, .format = TEXT_UUID, .optional = true},
    {FIELD_AT(position_row, next_offset), .kind = FIELD_INTEGER},
    {FIELD_AT(position_row, last_offset), .kind = FIELD_INTEGER},
    {FIELD_AT(position_row, term), .kind = FIELD_INTEGER},
    {FIELD_AT(position_row, seq), .kind = FIELD_INTEGER},
    {FIELD_AT(position_row, time_us), .kind = FIELD_INTEGER},
    {FIELD_AT(position_row, generation), .kind = FIELD_INTEGER},
    {FIELD_AT(position_row, end_offset), .kind = FIELD_INTEGER},
    {FIELD_AT(position_row, expected), .kind = FIELD_INTEGER},
};

static const struct record position_record = {
    .name = "Position",
    .size = sizeof(struct position_row),
    .fields = position_fields,
    .field_count = COUNT_OF(position_fields) - 1,
};

static const struct record fence_record = {
    .name = "Fence",
    .size = sizeof(struct position_row),
    .fields = position_fields,
    .field_count = COUNT_OF(position_fields),
};

static const struct db_statement positions_read = {
    .name = "positions_read",
    .sql = "SELECT partition, context, log, next_offset, last_offset, term, seq, time_us,"
           " generation, end_offset FROM position",
    .row = &position_record,
};

static const enum db_type create_types[] = {DB_INTEGER_ARRAY, DB_TEXT_ARRAY};

static const struct db_statement positions_create = {
    .name = "positions_create",
    .sql = "INSERT INTO position (partition, context)"
           " SELECT * FROM unnest($1::integer[], $2::text[])"
           " ON CONFLICT (partition, context) DO NOTHING",
    .parameters = create_types,
    .parameter_count = COUNT_OF(create_types),
};

static const enum db_type fence_types[] = {
    DB_INTEGER_ARRAY, DB_TEXT_ARRAY,   DB_UUID_ARRAY,   DB_BIGINT_ARRAY,
    DB_BIGINT_ARRAY,  DB_BIGINT_ARRAY, DB_BIGINT_ARRAY, DB_BIGINT_ARRAY,
    DB_BIGINT_ARRAY,  DB_BIGINT_ARRAY, DB_BIGINT_ARRAY,
};

static const struct db_statement positions_fence = {
    .name = "positions_fence",
    .sql = "UPDATE position AS p SET log = n.log, next_offset = n.next_offset,"
           " last_offset = n.last_offset, term = n.term, seq = n.seq, time_us = n.time_us,"
           " end_offset = n.end_offset, updated_at = clock_timestamp()"
           " FROM unnest($1::integer[], $2::text[], $3::uuid[], $4::bigint[], $5::bigint[],"
           " $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])"
           " AS n (partition, context, log, next_offset, last_offset, term, seq, time_us,"
           " generation, end_offset, expected)"
           " WHERE p.partition = n.partition AND p.context = n.context"
           " AND p.generation = n.generation AND p.next_offset = n.expected",
    .parameters = fence_types,
    .parameter_count = COUNT_OF(fence_types),
};

const struct db_statement *const position_statements[] = {
    &positions_read,
    &positions_create,
    &positions_fence,
    NULL,
};

static bool create_missing(struct db_connection *connection, const struct sources *sources,
                           struct arena *arena, struct error *error)
{
    int64_t *partitions = arena_alloc(arena, sources->count * sizeof(*partitions));
    struct text *names = arena_alloc(arena, sources->count * sizeof(*names));
    if (partitions == NULL || names == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "%zu positions", sources->count);
    for (size_t i = 0; i < sources->count; i++) {
        partitions[i] = sources->items[i].partition;
        names[i] = text_of(sources->items[i].context->name);
    }
    struct db_value values[] = {
        db_integers(partitions, sources->count),
        db_texts(names, sources->count),
    };
    struct db_rows created;
    return db_run(connection, &positions_create, values, arena, &created, error);
}

/* The source of a row; NULL: of a context the view does not read, or beyond the partitions. */
static struct source *find_source(const struct sources *sources, const struct position_row *row)
{
    if (row->partition < 0 || row->partition >= sources->partition_count)
        return NULL;
    struct source *items = &sources->items[(size_t)row->partition * sources->context_count];
    for (size_t i = 0; i < sources->context_count; i++)
        if (text_is(row->context, items[i].context->name))
            return &items[i];
    return NULL;
}

static bool take_row(struct source *source, const struct position_row *row, struct error *error)
{
    struct log_position *stored = &source->stored;
    log_position_start(stored);
    if (row->log.bytes != NULL && !uuid_parse(row->log, &stored->log))
        return error_set(error, FAULT_DATABASE_FAILED, "a position's log is no uuid");
    stored->next = row->next_offset;
    stored->last_offset = row->last_offset;
    stored->term = row->term;
    stored->seq = row->seq;
    stored->time_us = row->time_us;
    source->generation = row->generation;
    source->target = source->read = *stored;
    return true;
}

bool positions_load(struct db_connection *connection, struct sources *sources, struct arena *arena,
                    struct error *error)
{
    struct db_rows rows;
    if (!create_missing(connection, sources, arena, error) ||
        !db_run(connection, &positions_read, NULL, arena, &rows, error))
        return error_add(error, "loading positions");
    const struct position_row *items = rows.items;
    for (size_t i = 0; i < rows.count; i++) {
        struct source *source = find_source(sources, &items[i]);
        if (source == NULL)
            return error_set(error, FAULT_CONFIG_INVALID,
                             "the view has a position for partition %d of context %.*s, but "
                             "SIJANG_PARTITIONS is %d: set it to what the topics have",
                             (int)items[i].partition, TEXT_ARGS(items[i].context),
                             (int)sources->partition_count);
        if (!take_row(source, &items[i], error))
            return false;
    }
    return true;
}

bool positions_compare(struct db_connection *connection, const struct sources *sources,
                       struct arena *arena, bool *ret_same, struct error *error)
{
    struct db_rows rows;
    if (!db_run(connection, &positions_read, NULL, arena, &rows, error))
        return error_add(error, "comparing positions");
    const struct position_row *items = rows.items;
    bool same = rows.count == sources->count;
    for (size_t i = 0; i < rows.count && same; i++) {
        const struct source *source = find_source(sources, &items[i]);
        same = source != NULL && source->generation == items[i].generation &&
               source->stored.next == items[i].next_offset;
    }
    *ret_same = same;
    return true;
}

static bool partition_moves(const struct sources *sources, size_t first)
{
    for (size_t i = first; i < first + sources->context_count; i++)
        if (sources->items[i].target.next != sources->items[i].stored.next)
            return true;
    return false;
}

static bool format_log(const struct log_position *position, struct arena *arena,
                       struct text *ret_text)
{
    static const struct uuid none;
    *ret_text = (struct text){0};
    if (uuid_equal(&position->log, &none))
        return true;
    char string[UUID_TEXT_SIZE];
    uuid_format(&position->log, string);
    *ret_text = arena_copy_text(arena, text_of(string));
    return ret_text->bytes != NULL;
}

static const struct position_row *make_row(const struct source *source, struct arena *arena)
{
    struct position_row *row = arena_alloc(arena, sizeof(*row));
    if (row == NULL)
        return NULL;
    *row = (struct position_row){
        .partition = source->partition,
        .context = text_of(source->context->name),
        .next_offset = source->target.next,
        .last_offset = source->target.last_offset,
        .term = source->target.term,
        .seq = source->target.seq,
        .time_us = source->target.time_us,
        .generation = source->generation,
        .end_offset = source->end,
        .expected = source->stored.next,
    };
    return format_log(&source->target, arena, &row->log) ? row : NULL;
}

bool positions_send_fence(struct db_connection *connection, const struct sources *sources,
                          struct arena *arena, size_t *ret_expected, struct error *error)
{
    const void **rows = arena_alloc(arena, sources->count * sizeof(*rows));
    if (rows == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "%zu positions", sources->count);
    size_t count = 0;
    for (size_t i = 0; i < sources->count; i++) {
        if (!partition_moves(sources, i - i % sources->context_count))
            continue;
        rows[count] = make_row(&sources->items[i], arena);
        if (rows[count++] == NULL)
            return error_set(error, FAULT_OUT_OF_MEMORY, "%zu positions", sources->count);
    }
    *ret_expected = count;
    if (count == 0)
        return true;
    struct db_value values[COUNT_OF(position_fields)];
    for (size_t i = 0; i < COUNT_OF(position_fields); i++)
        values[i] = db_column(&fence_record, position_fields[i].name, rows, count);
    return db_send(connection, &positions_fence, values, error);
}
