/* What operators do about parked events. */
#include "projector/release.h"

#include "lib/core/id.h"
#include "lib/record/avro.h"
#include "schemas/contexts.h"
#include <string.h>

#define EVENTS_AT_ONCE 1000

struct waiting_event {
    int64_t number;
    struct text context;
    struct text subject;
    int64_t version;
    int64_t time_us;
    struct text payload;
};

static const struct field waiting_fields[] = {
    {FIELD_AT(waiting_event, number), .kind = FIELD_INTEGER},
    {FIELD_AT(waiting_event, context), .kind = FIELD_TEXT},
    {FIELD_AT(waiting_event, subject), .kind = FIELD_TEXT},
    {FIELD_AT(waiting_event, version), .kind = FIELD_INTEGER},
    {FIELD_AT(waiting_event, time_us), .kind = FIELD_INTEGER},
    {FIELD_AT(waiting_event, payload), .kind = FIELD_BYTES},
};

static const struct record waiting_record = {
    .name = "WaitingEvent",
    .size = sizeof(struct waiting_event),
    .fields = waiting_fields,
    .field_count = COUNT_OF(waiting_fields),
};

/* Of a key: view, revision, key, and what else the statement needs. */
static const enum db_type key_types[] = {DB_TEXT, DB_INTEGER, DB_TEXT};

static const struct db_statement generation_raise = {
    .name = "generation_raise",
    .sql = "UPDATE projector.position SET generation = generation + 1, updated_at ="
           " updated_at WHERE view = $1 AND revision = $2 AND partition IN (SELECT partition"
           " FROM projector.parked WHERE view = $1 AND revision = $2 AND key = $3)",
    .parameters = key_types,
    .parameter_count = COUNT_OF(key_types),
};

static const enum db_type limit_types[] = {DB_TEXT, DB_INTEGER, DB_TEXT, DB_BIGINT};

static const struct db_statement waiting_read = {
    .name = "waiting_read",
    .sql = "SELECT number, context, subject, version, time_us, payload FROM projector.parked"
           " WHERE view = $1 AND revision = $2 AND key = $3 ORDER BY number LIMIT $4",
    .parameters = limit_types,
    .parameter_count = COUNT_OF(limit_types),
    .row = &waiting_record,
};

static const struct db_statement waiting_remove = {
    .name = "waiting_remove",
    .sql = "DELETE FROM projector.parked WHERE view = $1 AND revision = $2 AND key = $3"
           " AND number <= $4",
    .parameters = limit_types,
    .parameter_count = COUNT_OF(limit_types),
};

static const enum db_type view_types[] = {DB_TEXT, DB_INTEGER};

static const struct db_statement parked_count = {
    .name = "parked_count",
    .sql = "UPDATE projector.position AS p SET parked = (SELECT count(*) FROM projector.parked AS k"
           " WHERE k.view = p.view AND k.revision = p.revision AND k.context = p.context"
           " AND k.partition = p.partition) WHERE view = $1 AND revision = $2 AND parked > 0",
    .parameters = view_types,
    .parameter_count = COUNT_OF(view_types),
};

static const enum db_type block_types[] = {DB_TEXT,   DB_INTEGER, DB_TEXT,
                                           DB_BIGINT, DB_TEXT,    DB_TEXT};

static const struct db_statement waiting_block = {
    .name = "waiting_block",
    .sql = "UPDATE projector.parked SET attempts = attempts + 1, reason = $5, detail = $6"
           " WHERE view = $1 AND revision = $2 AND key = $3 AND number = $4",
    .parameters = block_types,
    .parameter_count = COUNT_OF(block_types),
};

static const enum db_type discard_types[] = {DB_TEXT, DB_INTEGER, DB_TEXT, DB_TEXT, DB_TEXT};

static const struct db_statement first_discard = {
    .name = "first_discard",
    .sql = "WITH first AS (DELETE FROM projector.parked WHERE view = $1 AND revision = $2"
           " AND key = $3 AND number = (SELECT min(number) FROM projector.parked WHERE view = $1"
           " AND revision = $2 AND key = $3) RETURNING event_id, type)"
           " INSERT INTO projector.discarded (view, event_id, key, type, reason, discarded_by)"
           " SELECT $1, event_id, $3, type, $4, $5 FROM first ON CONFLICT DO NOTHING",
    .parameters = discard_types,
    .parameter_count = COUNT_OF(discard_types),
};

static const enum db_type audit_types[] = {DB_TEXT, DB_INTEGER, DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT};

static const struct db_statement audit_write = {
    .name = "audit_write",
    .sql = "INSERT INTO projector.audit (view, revision, key, who, action, detail)"
           " VALUES ($1, $2, $3, $4, $5, $6)",
    .parameters = audit_types,
    .parameter_count = COUNT_OF(audit_types),
};

const struct db_statement *const release_statements[] = {
    &generation_raise, &waiting_read,  &waiting_remove, &parked_count,
    &waiting_block,    &first_discard, &audit_write,    NULL,
};

/* A key's row, and how far the events were applied to it. */
struct trial {
    void *row;
    size_t applied;
    bool refused;
    struct error cause; /* why the event behind them was not */
};

static const struct db_value nothing[1]; /* more than the key */

static bool send(const struct release *release, const struct db_statement *statement,
                 const struct db_value *more, struct error *error)
{
    struct db_value values[DB_PARAMETERS_MAX] = {
        db_text(text_of(release->view->name)),
        db_integer(release->view->revision),
        db_text(release->key),
    };
    for (size_t i = 3; i < statement->parameter_count; i++)
        values[i] = more[i - 3];
    return db_send(release->connection, statement, values, error);
}

static bool send_audit(const struct release *release, const char *action, struct text detail,
                       struct error *error)
{
    struct db_value more[] = {db_text(release->who), db_text(text_of(action)), db_text(detail)};
    return send(release, &audit_write, more, error);
}

static bool decode(const struct release *release, const struct waiting_event *waiting,
                   struct view_event *ret_event, struct error *error)
{
    const struct text name = arena_copy_text(release->arena, waiting->context);
    uint32_t schema_id;
    if (name.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "a parked event");
    const struct context *context = context_find(name.bytes);
    if (context == NULL)
        return error_set(error, FAULT_SCHEMA_UNKNOWN, "context %s is not known", name.bytes);
    if (!avro_frame((const uint8_t *)waiting->payload.bytes, waiting->payload.size, &schema_id))
        return error_set(error, FAULT_DATA_CORRUPT, "the payload is not framed Avro");
    const struct record *record = avro_find_record(context->events, schema_id);
    if (record == NULL)
        return error_set(error, FAULT_SCHEMA_UNKNOWN, "schema id %u is not known", schema_id);
    void *value = arena_alloc(release->arena, record->size);
    if (value == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "a parked event");
    int kind = 0;
    while (context->events[kind] != record)
        kind++;
    *ret_event = (struct view_event){
        .context = context->name,
        .kind = kind,
        .value = value,
        .subject = waiting->subject,
        .version = waiting->version,
        .time_us = waiting->time_us,
    };
    return avro_decode_framed(record, waiting->payload, release->arena, value, error);
}

static bool has_key(const struct view *view, const struct view_event *event, struct text key)
{
    struct view_keys keys = {.count = 0};
    if (!view->keys(event, &keys))
        return false;
    for (size_t i = 0; i < keys.count; i++)
        if (text_equal(keys.keys[i], key))
            return true;
    return false;
}

/* Applies one event to a copy of the row, which counts only if it was not refused. */
static bool apply(const struct release *release, const struct waiting_event *waiting, void **row,
                  struct error *cause)
{
    struct view_event event;
    if (!decode(release, waiting, &event, cause))
        return false;
    if (!has_key(release->view, &event, release->key))
        return error_set(cause, FAULT_DATA_CORRUPT, "the event does not speak of this row");
    void *changed = arena_copy(release->arena, *row, release->view->row->size);
    if (changed == NULL)
        return error_set(cause, FAULT_OUT_OF_MEMORY, "a row");
    if (release->view->apply(changed, &event) == VIEW_REFUSED)
        return error_set(cause, FAULT_DATA_CORRUPT, "the view refuses version %lld",
                         (long long)event.version);
    *row = changed;
    return true;
}

static bool read_waiting(const struct release *release, int64_t limit, struct db_rows *ret_events,
                         struct error *error)
{
    struct db_value more[] = {db_integer(limit)};
    struct db_rows raised;
    return send(release, &generation_raise, nothing, error) &&
           send(release, &waiting_read, more, error) &&
           db_take(release->connection, release->arena, &raised, error) &&
           db_take(release->connection, release->arena, ret_events, error);
}

/* The row as the database has it, or as it is before its first event. */
static bool read_row(const struct release *release, void **ret_row, struct error *error)
{
    const struct record *record = release->view->row;
    struct db_value key = db_texts(&release->key, 1);
    struct db_rows found;
    if (!db_send(release->connection, release->view->load, &key, error) ||
        !db_take(release->connection, release->arena, &found, error))
        return false;
    uint8_t *row = arena_alloc_zeroed(release->arena, record->size);
    if (row == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "a row");
    if (found.count > 0)
        memcpy(row, found.items, record->size);
    else if (record->defaults != NULL)
        memcpy(row, record->defaults, record->size);
    memcpy(row + record_find_field(record, release->view->key)->offset, &release->key,
           sizeof(release->key));
    *ret_row = row;
    return true;
}

static bool send_row(const struct release *release, const void *row, struct error *error)
{
    const struct record *record = release->view->row;
    const void *rows[] = {row};
    struct db_value values[DB_PARAMETERS_MAX];
    for (size_t i = 0; i < record->field_count; i++)
        values[i] = db_column(record, record->fields[i].name, rows, 1);
    return db_send(release->connection, release->view->upsert, values, error);
}

static bool send_block(const struct release *release, const struct waiting_event *event,
                       const struct error *cause, struct error *error)
{
    struct db_value more[] = {
        db_integer(event->number),
        db_text(text_of(fault_entry(cause->fault)->code)),
        db_text(text_of(cause->detail)),
    };
    return send(release, &waiting_block, more, error);
}

/* In the open transaction: what was applied goes, what was refused says so. */
static bool send_outcome(const struct release *release, const struct trial *trial,
                         const struct waiting_event *events, struct error *error)
{
    if (trial->applied > 0) {
        struct db_value more[] = {db_integer(events[trial->applied - 1].number)};
        if (!send_row(release, trial->row, error) || !send(release, &waiting_remove, more, error) ||
            !send(release, &parked_count, nothing, error))
            return false;
    }
    if (trial->refused && !send_block(release, &events[trial->applied], &trial->cause, error))
        return false;
    return send_audit(release, trial->applied > 0 ? "applied" : "tried",
                      text_of(trial->refused ? trial->cause.detail : ""), error);
}

/* In the open transaction. */
static bool try_events(const struct release *release, int64_t limit, struct trial *trial,
                       size_t *ret_count, struct error *error)
{
    struct db_rows found;
    if (!read_waiting(release, limit, &found, error))
        return false;
    const struct waiting_event *events = found.items;
    struct view_event first;
    *ret_count = found.count;
    if (found.count == 0)
        return true;
    trial->refused = !decode(release, &events[0], &first, &trial->cause);
    if (!trial->refused && !has_key(release->view, &first, release->key))
        trial->refused = !error_set(&trial->cause, FAULT_DATA_CORRUPT,
                                    "which rows the event speaks of is not known");
    if (!trial->refused && !read_row(release, &trial->row, error))
        return false;
    while (!trial->refused && trial->applied < found.count) {
        if (apply(release, &events[trial->applied], &trial->row, &trial->cause))
            trial->applied++;
        else
            trial->refused = true;
    }
    return send_outcome(release, trial, events, error);
}

static bool run(const struct release *release, int64_t limit, struct trial *trial,
                size_t *ret_count, struct error *error)
{
    *trial = (struct trial){0};
    if (!db_begin(release->connection, error))
        return false;
    if (try_events(release, limit, trial, ret_count, error) &&
        trial->cause.fault != FAULT_OUT_OF_MEMORY)
        return db_commit(release->connection, error);
    db_roll_back(release->connection);
    if (trial->cause.fault == FAULT_OUT_OF_MEMORY)
        *error = trial->cause;
    return false;
}

/* The database refuses the row that the first event makes: said beside it. */
static bool block_first(const struct release *release, const struct error *cause,
                        struct error *error)
{
    struct db_rows found;
    if (!db_begin(release->connection, error))
        return false;
    if (read_waiting(release, 1, &found, error) &&
        (found.count == 0 || send_block(release, found.items, cause, error)) &&
        send_audit(release, "tried", text_of(cause->detail), error))
        return db_commit(release->connection, error);
    db_roll_back(release->connection);
    return false;
}

bool release_retry(const struct release *release, struct release_result *result,
                   struct error *error)
{
    int64_t limit = EVENTS_AT_ONCE;
    for (;;) {
        struct trial trial;
        size_t count = 0;
        if (run(release, limit, &trial, &count, error)) {
            result->found = result->found || count > 0;
            result->applied += (int64_t)trial.applied;
            result->blocked = trial.refused;
            result->cause = trial.cause;
            if (trial.refused || (int64_t)count < limit)
                return true;
        } else if (error->fault != FAULT_DATA_CORRUPT) {
            return false;
        } else if (limit > 1) {
            limit = 1; /* one after the other, up to the one that the database refuses */
        } else {
            result->found = result->blocked = true;
            result->cause = *error;
            return block_first(release, &result->cause, error);
        }
    }
}

static bool send_discard(const struct release *release, struct text reason, struct error *error)
{
    struct db_value more[] = {db_text(reason), db_text(release->who)};
    return send(release, &generation_raise, nothing, error) &&
           send(release, &first_discard, more, error) &&
           send(release, &parked_count, nothing, error) &&
           send_audit(release, "discarded", reason, error);
}

bool release_discard(const struct release *release, struct text reason,
                     struct release_result *result, struct error *error)
{
    struct db_rows raised, discarded;
    if (!db_begin(release->connection, error))
        return false;
    if (!send_discard(release, reason, error) ||
        !db_take(release->connection, release->arena, &raised, error) ||
        !db_take(release->connection, release->arena, &discarded, error)) {
        db_roll_back(release->connection);
        return false;
    }
    if (raised.affected == 0) {
        db_roll_back(release->connection);
        return true;
    }
    if (!db_commit(release->connection, error))
        return false;
    result->found = true;
    result->discarded = 1;
    return release_retry(release, result, error);
}
