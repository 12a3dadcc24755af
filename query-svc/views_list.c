/* GET /v1/views: how far all views are, for admins. */
#include "query-svc/views_list.h"

#include "query-svc/service.h"
#include "schemas/roles.h"

#define LIST_BYTES_MAX ((size_t)256 * 1024)

struct view_line {
    struct text view;
    int64_t revision;
    bool live;
    struct optional_integer lag_events; /* absent: no projector has told lately */
    int64_t heard_age_ms;               /* -1: never */
    int64_t parked_events;
    int64_t parked_keys;
    int64_t halted_partitions;
    struct text halted; /* the first one's reason; absent: none */
};

static const struct field line_fields[] = {
    {FIELD_AT(view_line, view), .kind = FIELD_TEXT},
    {FIELD_AT(view_line, revision), .kind = FIELD_INTEGER},
    {FIELD_AT(view_line, live), .kind = FIELD_BOOLEAN},
    {FIELD_AT(view_line, lag_events), .kind = FIELD_INTEGER, .optional = true},
    {FIELD_AT(view_line, heard_age_ms), .kind = FIELD_INTEGER},
    {FIELD_AT(view_line, parked_events), .kind = FIELD_INTEGER},
    {FIELD_AT(view_line, parked_keys), .kind = FIELD_INTEGER},
    {FIELD_AT(view_line, halted_partitions), .kind = FIELD_INTEGER},
    {FIELD_AT(view_line, halted), .kind = FIELD_TEXT, .optional = true},
};

static const struct record line_record = {
    .name = "ViewLine",
    .size = sizeof(struct view_line),
    .fields = line_fields,
    .field_count = COUNT_OF(line_fields),
};

/* A projector that lives tells where it is once a second: five seconds of silence are too long. */
const struct db_statement views_list_read = {
    .name = "views_list_read",
    .sql =
        "SELECT f.view, f.revision, f.live AND f.revision > 0, CASE WHEN bool_and(p.end_offset >= 0"
        " AND p.updated_at > clock_timestamp() - interval '5 s')"
        " THEN sum(greatest(p.end_offset - p.next_offset, 0))::bigint END,"
        " coalesce((max(extract(epoch FROM clock_timestamp() - p.updated_at)) * 1000)::bigint,"
        " -1), coalesce(sum(p.parked), 0)::bigint, (SELECT count(DISTINCT k.key)"
        " FROM projector.parked AS k WHERE k.view = f.view AND k.revision = f.revision),"
        " count(p.halted), min(p.halted) FROM projector.fingerprint AS f"
        " LEFT JOIN projector.position AS p ON p.view = f.view AND p.revision = f.revision"
        " GROUP BY f.view, f.revision, f.live ORDER BY f.view, f.revision",
    .row = &line_record,
};

struct listing {
    struct web_request *request;
    struct db_question question;
    enum fault fault;
    struct text body;
};

static void write_lines(struct listing *listing, const struct db_rows *rows)
{
    struct buffer CLEANUP(buffer_done) out;

    buffer_init(&out, LIST_BYTES_MAX);
    buffer_put_string(&out, "{\"items\":[");
    for (size_t i = 0; i < rows->count; i++) {
        buffer_put_string(&out, i > 0 ? "," : "");
        json_write(&line_record, (const struct view_line *)rows->items + i, &out);
    }
    buffer_put_string(&out, "]}");
    if (!out.failed)
        listing->body = arena_copy_text(web_request_arena(listing->request), buffer_text(&out));
    if (listing->body.bytes == NULL)
        listing->fault = FAULT_OUT_OF_MEMORY;
}

/* On the pipeline's thread. */
static void take_lines(struct db_question *question, const struct db_rows *rows,
                       const struct error *error)
{
    struct listing *listing = question->user;

    listing->fault = error->fault;
    if (error->fault == FAULT_NONE)
        write_lines(listing, rows);
    web_resume(listing->request);
}

static void reply(struct web_request *request, void *state)
{
    const struct listing *listing = state;

    if (listing->fault != FAULT_NONE)
        web_fault(request, listing->fault);
    else
        web_answer(request, 200, "application/json", listing->body);
}

static bool may_look(const struct query_service *service, struct web_request *request)
{
    const struct problem *problem = &problem_forbidden;
    struct caller caller;

    if (web_authenticate(service->auth, request, &caller, &problem) &&
        (caller.roles & ROLE_ADMIN) != 0)
        return true;
    web_problem(request, problem);
    return false;
}

static void handle(struct web_request *request, const void *unused)
{
    struct query_service *service = web_request_user(request);
    struct listing *listing = arena_alloc_zeroed(web_request_arena(request), sizeof *listing);
    struct error error = {0};

    (void)unused;
    if (!may_look(service, request))
        return;
    if (listing == NULL) {
        web_fault(request, FAULT_OUT_OF_MEMORY);
        return;
    }
    listing->request = request;
    listing->question = (struct db_question){
        .statement = &views_list_read,
        .arena = web_request_arena(request),
        .deadline_boot_us = web_request_deadline_boot_us(request),
        .answer = take_lines,
        .user = listing,
    };
    web_suspend(request, reply, listing);
    if (db_pipeline_ask(service->lines[QUESTION_LIST].pipeline, &listing->question, &error))
        return;
    listing->fault = error.fault;
    web_resume(request);
}

const struct web_route views_list_routes[] = {{"GET", "/v1/views", handle, NULL, 0}, {0}};
