/* The table of parked events. */
#include "projector/parking.h"

#include "lib/core/logger.h"
#include <stdlib.h>

/* A row of it; a view's name and a key alone are read. */
struct parked_row {
    struct text view;
    struct text key;
    int64_t revision;
    int64_t partition;
    struct text context;
    int64_t event_offset;
    int64_t commit_offset;
    struct text event_id;
    struct text type;
    struct text subject;
    int64_t version;
    int64_t time_us;
    struct text payload;
    struct text reason;
    struct text detail;
};

static const struct field parked_fields[] = {
    {FIELD_AT(parked_row, view), .kind = FIELD_TEXT},
    {FIELD_AT(parked_row, key), .kind = FIELD_TEXT},
    {FIELD_AT(parked_row, revision), .kind = FIELD_INTEGER},
    {FIELD_AT(parked_row, partition), .kind = FIELD_INTEGER},
    {FIELD_AT(parked_row, context), .kind = FIELD_TEXT},
    {FIELD_AT(parked_row, event_offset), .kind = FIELD_INTEGER},
    {FIELD_AT(parked_row, commit_offset), .kind = FIELD_INTEGER},
    {FIELD_AT(parked_row, event_id), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(parked_row, type), .kind = FIELD_TEXT},
    {FIELD_AT(parked_row, subject), .kind = FIELD_TEXT},
    {FIELD_AT(parked_row, version), .kind = FIELD_INTEGER},
    {FIELD_AT(parked_row, time_us), .kind = FIELD_INTEGER},
    {FIELD_AT(parked_row, payload), .kind = FIELD_BYTES},
    {FIELD_AT(parked_row, reason), .kind = FIELD_TEXT},
    {FIELD_AT(parked_row, detail), .kind = FIELD_TEXT},
};

static const struct record parked_record = {
    .name = "Parked",
    .size = sizeof(struct parked_row),
    .fields = parked_fields,
    .field_count = COUNT_OF(parked_fields),
};

static const struct record key_record = {
    .name = "ParkedKey",
    .size = sizeof(struct parked_row),
    .fields = parked_fields,
    .field_count = 2,
};

struct discarded_row {
    struct text view;
    struct text event_id;
};

static const struct field discarded_fields[] = {
    {FIELD_AT(discarded_row, view), .kind = FIELD_TEXT},
    {FIELD_AT(discarded_row, event_id), .kind = FIELD_TEXT, .format = TEXT_UUID},
};

static const struct record discarded_record = {
    .name = "Discarded",
    .size = sizeof(struct discarded_row),
    .fields = discarded_fields,
    .field_count = COUNT_OF(discarded_fields),
};

static const enum db_type views_types[] = {DB_TEXT_ARRAY, DB_INTEGER_ARRAY, DB_INTEGER_ARRAY};

static const struct db_statement parked_keys_read = {
    .name = "parked_keys_read",
    .sql = "SELECT DISTINCT k.view, k.key FROM projector.parked AS k"
           " JOIN unnest($1::text[], $2::integer[]) AS wanted (view, revision)"
           " ON k.view = wanted.view AND k.revision = wanted.revision"
           " WHERE k.partition = ANY ($3::integer[])",
    .parameters = views_types,
    .parameter_count = COUNT_OF(views_types),
    .row = &key_record,
};

static const struct db_statement discarded_read = {
    .name = "discarded_read",
    .sql = "SELECT view, event_id FROM projector.discarded WHERE view = ANY ($1::text[])",
    .parameters = views_types,
    .parameter_count = 1,
    .row = &discarded_record,
};

static const enum db_type park_types[] = {
    DB_TEXT_ARRAY,   DB_TEXT_ARRAY,   DB_INTEGER_ARRAY, DB_INTEGER_ARRAY, DB_TEXT_ARRAY,
    DB_BIGINT_ARRAY, DB_BIGINT_ARRAY, DB_UUID_ARRAY,    DB_TEXT_ARRAY,    DB_TEXT_ARRAY,
    DB_BIGINT_ARRAY, DB_BIGINT_ARRAY, DB_BYTEA_ARRAY,   DB_TEXT_ARRAY,    DB_TEXT_ARRAY,
};

static const struct db_statement events_park = {
    .name = "events_park",
    .sql = "INSERT INTO projector.parked (view, key, revision, partition, context, event_offset,"
           " commit_offset, event_id, type, subject, version, time_us, payload, reason, detail)"
           " SELECT view, key, revision, partition, context, event_offset, commit_offset, event_id,"
           " type, subject, version, time_us, payload, reason, detail"
           " FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::text[],"
           " $6::bigint[], $7::bigint[], $8::uuid[], $9::text[], $10::text[], $11::bigint[],"
           " $12::bigint[], $13::bytea[], $14::text[], $15::text[]) WITH ORDINALITY"
           " AS n (view, key, revision, partition, context, event_offset, commit_offset, event_id,"
           " type, subject, version, time_us, payload, reason, detail, place) ORDER BY place",
    .parameters = park_types,
    .parameter_count = COUNT_OF(park_types),
};

static const struct field durable_fields[] = {{FIELD_AT(parked_row, view), .kind = FIELD_TEXT}};

static const struct record durable_record = {
    .name = "Durable",
    .size = sizeof(struct parked_row),
    .fields = durable_fields,
    .field_count = COUNT_OF(durable_fields),
};

static const struct db_statement commit_durably = {
    .name = "commit_durably",
    .sql = "SELECT set_config('synchronous_commit', 'on', true)",
    .row = &durable_record,
};

const struct db_statement *const parking_statements[] = {
    &parked_keys_read, &discarded_read, &events_park, &commit_durably, NULL,
};

static struct projection *find(const struct projection_set *set, struct text view)
{
    size_t i = 0;
    while (i < set->count && !text_is(view, set->items[i]->view->name))
        i++;
    return i < set->count ? set->items[i] : NULL;
}

static bool take_keys(const struct projection_set *set, const struct db_rows *rows,
                      struct error *error)
{
    const struct parked_row *items = rows->items;
    for (size_t i = 0; i < rows->count; i++)
        if (!parked_add(&find(set, items[i].view)->fold.parked, items[i].key, error))
            return error_add(error, "%.*s", TEXT_ARGS(items[i].view));
    for (size_t i = 0; i < set->count; i++)
        parked_keep(&set->items[i]->fold.parked);
    return true;
}

static bool take_discarded(struct projection *projection, const struct db_rows *rows,
                           struct error *error)
{
    const struct discarded_row *items = rows->items;
    struct uuid *ids = calloc(rows->count + 1, sizeof(*ids));
    size_t count = 0;
    if (ids == NULL || rows->count > DISCARDED_EVENTS_MAX) {
        free(ids);
        return error_set(error, FAULT_LIMIT_EXCEEDED, "%zu discarded events", rows->count);
    }
    for (size_t i = 0; i < rows->count; i++)
        if (text_is(items[i].view, projection->view->name) &&
            uuid_parse(items[i].event_id, &ids[count]))
            count++;
    parked_set_discarded(&projection->fold.parked, ids, count);
    return true;
}

/* All views of a worker hold the same. NULL: memory ran out. */
static int64_t *list_held(const struct sources *sources, struct arena *arena, size_t *ret_count)
{
    int64_t *list = arena_alloc(arena, (size_t)sources->partition_count * sizeof(*list));
    *ret_count = 0;
    for (size_t i = 0; i < sources->count && list != NULL; i += sources->context_count)
        if (sources->items[i].held)
            list[(*ret_count)++] = sources->items[i].partition;
    return list;
}

bool parking_load(struct db_connection *connection, const struct projection_set *set,
                  struct arena *arena, struct error *error)
{
    struct text *views = arena_alloc(arena, set->count * sizeof(*views));
    int64_t *revisions = arena_alloc(arena, set->count * sizeof(*revisions));
    size_t held_count;
    int64_t *held = list_held(&set->items[0]->sources, arena, &held_count);
    struct db_rows keys, discarded;
    if (views == NULL || revisions == NULL || held == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "parked keys");
    for (size_t i = 0; i < set->count; i++) {
        views[i] = text_of(set->items[i]->view->name);
        revisions[i] = set->items[i]->view->revision;
        parked_clear(&set->items[i]->fold.parked);
    }
    struct db_value values[] = {db_texts(views, set->count), db_integers(revisions, set->count),
                                db_integers(held, held_count)};
    if (!db_run(connection, &parked_keys_read, values, arena, &keys, error) ||
        !db_run(connection, &discarded_read, values, arena, &discarded, error) ||
        !take_keys(set, &keys, error))
        return error_add(error, "parked keys");
    for (size_t i = 0; i < set->count; i++)
        if (!take_discarded(set->items[i], &discarded, error))
            return false;
    return true;
}

bool parking_send_durable(struct db_connection *connection, struct error *error)
{
    return db_send(connection, &commit_durably, NULL, error);
}

/* False: memory ran out. */
static bool make_row(const struct projection *projection, const struct fold_park *park,
                     struct arena *arena, struct parked_row *ret_row)
{
    const struct source *source = projection->sources.by_feed[park->commit->feed];
    const struct batch_event *event = park->event;
    char id[UUID_TEXT_SIZE];
    uuid_format(&event->id, id);
    *ret_row = (struct parked_row){
        .view = text_of(projection->view->name),
        .key = park->key,
        .revision = projection->view->revision,
        .partition = source->partition,
        .context = text_of(source->context->name),
        .event_offset = event->offset,
        .commit_offset = park->commit->after.last_offset,
        .event_id = arena_copy_text(arena, text_of(id)),
        .type = event->type,
        .subject = event->view.subject,
        .version = event->view.version,
        .time_us = event->view.time_us,
        .payload = event->payload,
        .reason = park->cause == NULL ? text_of("behind")
                                      : text_of(fault_entry(park->cause->fault)->code),
        .detail = park->cause == NULL ? text_of("") : text_of(park->cause->detail),
    };
    return ret_row->event_id.bytes != NULL;
}

bool parking_send(struct db_connection *connection, const struct projection *projection,
                  struct arena *arena, struct error *error)
{
    const struct fold *fold = &projection->fold;
    size_t count = fold->park_count;
    if (count == 0)
        return true;
    struct parked_row *rows = arena_alloc(arena, count * sizeof(*rows));
    const void **list = arena_alloc(arena, count * sizeof(*list));
    bool made = rows != NULL && list != NULL;
    for (size_t i = 0; i < count && made; i++) {
        made = make_row(projection, &fold->parks[i], arena, &rows[i]);
        list[i] = &rows[i];
    }
    if (!made)
        return error_set(error, FAULT_OUT_OF_MEMORY, "parking %zu events", count);
    struct db_value values[COUNT_OF(parked_fields)];
    for (size_t i = 0; i < COUNT_OF(parked_fields); i++)
        values[i] = db_column(&parked_record, parked_fields[i].name, list, count);
    return db_send(connection, &events_park, values, error);
}

void parking_tell(const struct projection *projection)
{
    const struct fold *fold = &projection->fold;
    for (size_t i = 0; i < fold->park_count; i++) {
        const struct fold_park *park = &fold->parks[i];
        const struct source *source = projection->sources.by_feed[park->commit->feed];
        if (park->cause == NULL)
            continue;
        log_error("event_parked", LOG_STRING("view", projection->view->name),
                  LOG_TEXT("key", park->key), LOG_STRING("context", source->context->name),
                  LOG_NUMBER("partition", source->partition),
                  LOG_NUMBER("offset", park->event->offset), LOG_TEXT("type", park->event->type),
                  LOG_ERROR(park->cause));
    }
}
