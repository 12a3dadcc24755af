/* The position table. */
#include "projector/positions.h"

#include <string.h>

/* A row of the table; `expected` is what the fence finds in next_offset. */
struct position_row {
    struct text view;
    int64_t revision;
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
    int64_t parking;
    struct text halted; /* absent: it reads on */
};

static const struct field position_fields[] = {
    {FIELD_AT(position_row, view), .kind = FIELD_TEXT},
    {FIELD_AT(position_row, revision), .kind = FIELD_INTEGER},
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
    {FIELD_AT(position_row, parking), .kind = FIELD_INTEGER},
    {FIELD_AT(position_row, halted), .kind = FIELD_TEXT, .optional = true},
};

static const struct record position_record = {
    .name = "Position",
    .size = sizeof(struct position_row),
    .fields = position_fields,
    .field_count = COUNT_OF(position_fields) - 3,
};

static const struct record fence_record = {
    .name = "Fence",
    .size = sizeof(struct position_row),
    .fields = position_fields,
    .field_count = COUNT_OF(position_fields),
};

struct required {
    bool met;
};

static const struct field required_fields[] = {{FIELD_AT(required, met), .kind = FIELD_BOOLEAN}};

static const struct record required_record = {
    .name = "Required",
    .size = sizeof(struct required),
    .fields = required_fields,
    .field_count = COUNT_OF(required_fields),
};

static const enum db_type read_types[] = {DB_TEXT_ARRAY, DB_INTEGER_ARRAY};

static const struct db_statement positions_read = {
    .name = "positions_read",
    .sql = "SELECT p.view, p.revision, p.partition, p.context, p.log, p.next_offset, p.last_offset,"
           " p.term, p.seq, p.time_us, p.generation, p.end_offset FROM projector.position AS p"
           " JOIN unnest($1::text[], $2::integer[]) AS wanted (view, revision)"
           " ON p.view = wanted.view AND p.revision = wanted.revision",
    .parameters = read_types,
    .parameter_count = COUNT_OF(read_types),
    .row = &position_record,
};

static const enum db_type create_types[] = {DB_TEXT_ARRAY, DB_INTEGER_ARRAY, DB_INTEGER_ARRAY,
                                            DB_TEXT_ARRAY};

static const struct db_statement positions_create = {
    .name = "positions_create",
    .sql = "INSERT INTO projector.position (view, revision, partition, context)"
           " SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::text[])"
           " ON CONFLICT (view, revision, partition, context) DO NOTHING",
    .parameters = create_types,
    .parameter_count = COUNT_OF(create_types),
};

static const enum db_type fence_types[] = {
    DB_TEXT_ARRAY,   DB_INTEGER_ARRAY, DB_INTEGER_ARRAY, DB_TEXT_ARRAY,
    DB_UUID_ARRAY,   DB_BIGINT_ARRAY,  DB_BIGINT_ARRAY,  DB_BIGINT_ARRAY,
    DB_BIGINT_ARRAY, DB_BIGINT_ARRAY,  DB_BIGINT_ARRAY,  DB_BIGINT_ARRAY,
    DB_BIGINT_ARRAY, DB_BIGINT_ARRAY,  DB_TEXT_ARRAY,    DB_BIGINT,
};

const struct db_statement positions_fence = {
    .name = "positions_fence",
    .sql = "WITH moved AS (UPDATE projector.position AS p SET log = n.log,"
           " next_offset = n.next_offset, last_offset = n.last_offset, term = n.term, seq = n.seq,"
           " time_us = n.time_us, end_offset = n.end_offset, parked = p.parked + n.parking,"
           " halted = n.halted,"
           " updated_at = clock_timestamp()"
           " FROM unnest($1::text[], $2::integer[], $3::integer[], $4::text[], $5::uuid[],"
           " $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],"
           " $12::bigint[], $13::bigint[], $14::bigint[], $15::text[])"
           " AS n (view, revision, partition, context, log, next_offset, last_offset, term, seq,"
           " time_us, generation, end_offset, expected, parking, halted)"
           " WHERE p.view = n.view AND p.revision = n.revision AND p.partition = n.partition"
           " AND p.context = n.context AND p.generation = n.generation"
           " AND p.next_offset = n.expected RETURNING 1)"
           " SELECT projector.require(count(*), $16::bigint) FROM moved",
    .parameters = fence_types,
    .parameter_count = COUNT_OF(fence_types),
    .row = &required_record,
};

const struct db_statement *const position_statements[] = {
    &positions_read,
    &positions_create,
    &positions_fence,
    NULL,
};

static size_t count_sources(const struct projection_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        count += set->items[i]->sources.count;
    return count;
}

static struct position_row name_row(const struct view *view, const struct source *source)
{
    return (struct position_row){
        .view = text_of(view->name),
        .revision = view->revision,
        .partition = source->partition,
        .context = text_of(source->context->name),
    };
}

static bool create_missing(struct db_connection *connection, const struct projection_set *set,
                           struct arena *arena, struct error *error)
{
    size_t total = count_sources(set), count = 0;
    struct position_row *rows = arena_alloc(arena, total * sizeof(*rows));
    const void **named = arena_alloc(arena, total * sizeof(*named));
    if (rows == NULL || named == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "%zu positions", total);
    for (size_t i = 0; i < set->count; i++)
        for (size_t s = 0; s < set->items[i]->sources.count; s++) {
            rows[count] = name_row(set->items[i]->view, &set->items[i]->sources.items[s]);
            named[count] = &rows[count];
            count++;
        }
    struct db_value values[COUNT_OF(create_types)];
    for (size_t i = 0; i < COUNT_OF(create_types); i++)
        values[i] = db_column(&fence_record, position_fields[i].name, named, count);
    struct db_rows created;
    return db_run(connection, &positions_create, values, arena, &created, error);
}

static bool read_rows(struct db_connection *connection, const struct projection_set *set,
                      struct arena *arena, struct db_rows *ret_rows, struct error *error)
{
    struct text *views = arena_alloc(arena, set->count * sizeof(*views));
    int64_t *revisions = arena_alloc(arena, set->count * sizeof(*revisions));
    if (views == NULL || revisions == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "positions");
    for (size_t i = 0; i < set->count; i++) {
        views[i] = text_of(set->items[i]->view->name);
        revisions[i] = set->items[i]->view->revision;
    }
    struct db_value values[] = {db_texts(views, set->count), db_integers(revisions, set->count)};
    return db_run(connection, &positions_read, values, arena, ret_rows, error);
}

static struct projection *find_projection(const struct projection_set *set,
                                          const struct position_row *row)
{
    size_t i = 0;
    while (i < set->count && !text_is(row->view, set->items[i]->view->name))
        i++;
    return i < set->count ? set->items[i] : NULL;
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
    source->target = *stored;
    return true;
}

bool positions_load(struct db_connection *connection, const struct projection_set *set,
                    struct arena *arena, struct error *error)
{
    struct db_rows rows;
    if (!create_missing(connection, set, arena, error) ||
        !read_rows(connection, set, arena, &rows, error))
        return error_add(error, "loading positions");
    const struct position_row *items = rows.items;
    for (size_t i = 0; i < rows.count; i++) {
        const struct projection *projection = find_projection(set, &items[i]);
        struct source *source = find_source(&projection->sources, &items[i]);
        if (source == NULL)
            return error_set(error, FAULT_CONFIG_INVALID,
                             "%s has a position for partition %d of context %.*s, but "
                             "SIJANG_PARTITIONS is %d: set it to what the topics have",
                             projection->view->name, (int)items[i].partition,
                             TEXT_ARGS(items[i].context), (int)projection->sources.partition_count);
        if (!take_row(source, &items[i], error))
            return false;
    }
    return true;
}

static bool is_of_log(const struct position_row *row, const struct log_position *stored)
{
    static const struct uuid none;
    struct uuid log = none;
    return (row->log.bytes == NULL || uuid_parse(row->log, &log)) && uuid_equal(&log, &stored->log);
}

/* A swap puts rows there that may be further on: what was read is skipped up to where they are. */
static enum place compare(const struct projection *projection, const struct position_row *row)
{
    const struct source *source = find_source(&projection->sources, row);
    if (source != NULL && !source->held)
        return PLACE_SAME;
    if (source == NULL)
        return PLACE_MOVED;
    const struct log_position *stored = &source->stored;
    bool raised = source->generation != row->generation;
    if (raised && row->next_offset > stored->next && is_of_log(row, stored))
        return PLACE_RAISED;
    if (row->next_offset != stored->next)
        return PLACE_MOVED;
    return raised ? PLACE_RAISED : PLACE_SAME;
}

bool positions_compare(struct db_connection *connection, const struct projection_set *set,
                       struct arena *arena, struct error *error)
{
    struct db_rows rows;
    if (!read_rows(connection, set, arena, &rows, error))
        return error_add(error, "comparing positions");
    for (size_t i = 0; i < set->count; i++)
        set->items[i]->place = PLACE_SAME;
    const struct position_row *items = rows.items;
    for (size_t i = 0; i < rows.count; i++) {
        struct projection *projection = find_projection(set, &items[i]);
        enum place place = compare(projection, &items[i]);
        if (place > projection->place)
            projection->place = place;
    }
    if (rows.count == count_sources(set))
        return true;
    for (size_t i = 0; i < set->count; i++)
        set->items[i]->place = PLACE_MOVED; /* some are gone: what is there has to be read again */
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

static const struct position_row *make_row(const struct view *view, const struct source *source,
                                           const struct feeds *feeds, struct arena *arena)
{
    struct position_row *row = arena_alloc(arena, sizeof(*row));
    if (row == NULL)
        return NULL;
    *row = name_row(view, source);
    row->next_offset = source->target.next;
    row->last_offset = source->target.last_offset;
    row->term = source->target.term;
    row->seq = source->target.seq;
    row->time_us = source->target.time_us;
    row->generation = source->generation;
    row->end_offset = feeds->items[source->feed].end;
    row->expected = source->stored.next;
    row->parking = source->parking;
    if (source->halt.halted)
        row->halted = text_of(
            arena_print(arena, "%s at %lld: %s", fault_entry(source->halt.error.fault)->code,
                        (long long)source->halt.offset, source->halt.error.detail));
    return format_log(&source->target, arena, &row->log) ? row : NULL;
}

struct fence_rows {
    const void **items;
    size_t count;
};

/* False: memory ran out. */
static bool add_rows(struct fence_rows *rows, const struct fence *fence,
                     const struct projection *projection, struct arena *arena)
{
    const struct sources *sources = &projection->sources;
    for (size_t i = 0; i < sources->count; i++) {
        bool told = sources->items[i].held &&
                    (fence->all || partition_moves(sources, i - i % sources->context_count));
        if (!told)
            continue;
        const struct position_row *row =
            make_row(projection->view, &sources->items[i], fence->feeds, arena);
        if (row == NULL)
            return false;
        rows->items[rows->count++] = row;
    }
    return true;
}

bool positions_make_fence(const struct fence *fence, struct arena *arena,
                          struct db_value *ret_values, size_t *ret_count, struct error *error)
{
    _Static_assert(COUNT_OF(fence_types) == POSITIONS_FENCE_VALUES, "a value for each parameter");
    size_t total = count_sources(fence->set);
    struct fence_rows rows = {.items = arena_alloc(arena, total * sizeof(*rows.items))};
    bool made = rows.items != NULL;
    for (size_t i = 0; i < fence->set->count && made; i++)
        made = add_rows(&rows, fence, fence->set->items[i], arena);
    if (!made)
        return error_set(error, FAULT_OUT_OF_MEMORY, "%zu positions", total);
    for (size_t i = 0; i < COUNT_OF(position_fields); i++)
        ret_values[i] = db_column(&fence_record, position_fields[i].name, rows.items, rows.count);
    ret_values[COUNT_OF(position_fields)] = db_integer((int64_t)rows.count);
    *ret_count = rows.count;
    return true;
}

bool positions_send_fence(struct db_connection *connection, const struct fence *fence,
                          struct arena *arena, bool *ret_sent, struct error *error)
{
    struct db_value values[POSITIONS_FENCE_VALUES];
    size_t count;
    if (!positions_make_fence(fence, arena, values, &count, error))
        return false;
    *ret_sent = count > 0;
    return count == 0 || db_send(connection, &positions_fence, values, error);
}
