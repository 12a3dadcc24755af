/* A commit that a reader waits for may be parked. */
#include "query-svc/parked.h"

static const struct problem problem_event_parked = {
    .status = 409,
    .code = "event_parked",
    .title = "The change happened, but this view cannot show it until a person has looked at it.",
};

struct parked_event {
    struct text key;
    struct text reason;
    struct text detail;
};

static const struct field parked_fields[] = {
    {FIELD_AT(parked_event, key), .kind = FIELD_TEXT},
    {FIELD_AT(parked_event, reason), .kind = FIELD_TEXT},
    {FIELD_AT(parked_event, detail), .kind = FIELD_TEXT},
};

static const struct record parked_record = {
    .name = "ParkedEvent",
    .size = sizeof(struct parked_event),
    .fields = parked_fields,
    .field_count = COUNT_OF(parked_fields),
};

static const enum db_type parked_types[] = {DB_TEXT, DB_TEXT_ARRAY, DB_INTEGER_ARRAY,
                                            DB_BIGINT_ARRAY};

/* With the reason of the event that all others of its key wait behind. */
const struct db_statement parked_read = {
    .name = "parked_read",
    .sql = "SELECT k.key, b.reason, b.detail FROM projector.parked AS k"
           " JOIN projector.fingerprint AS f ON f.view = k.view AND f.revision = k.revision"
           " AND f.live AND f.revision > 0 JOIN unnest($2::text[], $3::integer[], $4::bigint[])"
           " AS w (context, partition, commit_offset) ON k.context = w.context"
           " AND k.partition = w.partition AND k.commit_offset = w.commit_offset"
           " JOIN LATERAL (SELECT reason, detail FROM projector.parked AS o WHERE o.view = k.view"
           " AND o.revision = k.revision AND o.key = k.key ORDER BY number LIMIT 1) AS b ON true"
           " WHERE k.view = $1 LIMIT 1",
    .parameters = parked_types,
    .parameter_count = COUNT_OF(parked_types),
    .row = &parked_record,
};

bool parked_bind(struct db_question *question, const struct view_waiter *waiter)
{
    size_t count = waiter->mark_count;
    struct text *names = arena_alloc(question->arena, count * sizeof *names);
    int64_t *partitions = arena_alloc(question->arena, count * sizeof *partitions);
    int64_t *offsets = arena_alloc(question->arena, count * sizeof *offsets);

    if (names == NULL || partitions == NULL || offsets == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        names[i] = waiter->marks[i].context;
        partitions[i] = waiter->marks[i].partition;
        offsets[i] = waiter->marks[i].offset;
    }
    question->statement = &parked_read;
    question->values[0] = db_text(text_of(waiter->view->name));
    question->values[1] = db_texts(names, count);
    question->values[2] = db_integers(partitions, count);
    question->values[3] = db_integers(offsets, count);
    return true;
}

const struct problem *parked_problem(const struct db_rows *rows, struct arena *arena)
{
    const struct parked_event *event = rows->items;
    struct problem *problem = arena_alloc(arena, sizeof *problem);

    if (rows->count == 0)
        return NULL;
    if (problem == NULL)
        return &problem_event_parked;
    *problem = problem_event_parked;
    problem->detail = arena_print(arena, "%.*s is parked (%.*s): %.*s", TEXT_ARGS(event->key),
                                  TEXT_ARGS(event->reason), TEXT_ARGS(event->detail));
    return problem;
}
