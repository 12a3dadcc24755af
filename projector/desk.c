/* The operators' desk. */
#include "projector/desk.h"

#include "lib/core/logger.h"
#include "lib/record/json.h"
#include "projector/release.h"
#include "projector/revisions.h"
#include "projector/views.h"
#include "schemas/roles.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LIST_BYTES_MAX    ((size_t)1024 * 1024)
#define TOKENS_REMEMBERED 100
#define NAME_BYTES_MAX    ((size_t)1024 * 1024)
#define STATEMENTS_MAX    16

struct desk {
    const struct projector_config *config;
    struct web_auth *auth;
    pthread_mutex_t mutex; /* one operator at a time */
    struct arena arena;
    const char *name; /* of its connection */
    struct db_connection *connection;
    const struct view *view; /* the one whose tables it can reach; NULL: none */
    const struct db_statement *statements[STATEMENTS_MAX];
};

static const struct problem problem_desk_closed = {
    .status = 503,
    .code = "operators_not_configured",
    .title = "This process has no SIJANG_TOKEN_SECRET to know operators by.",
};

static const struct problem problem_not_parked = {
    .status = 404,
    .code = "not_parked",
    .title = "Nothing is parked there.",
};

struct parked_line {
    struct text view;
    int64_t revision;
    struct text key;
    int64_t partition;
    struct text context;
    int64_t event_offset;
    struct text event_id;
    struct text type;
    struct text reason;
    struct text detail;
    int64_t attempts;
    struct text parked_at;
    int64_t waiting; /* events, with this one */
};

static const struct field line_fields[] = {
    {FIELD_AT(parked_line, view), .kind = FIELD_TEXT},
    {FIELD_AT(parked_line, revision), .kind = FIELD_INTEGER},
    {FIELD_AT(parked_line, key), .kind = FIELD_TEXT},
    {FIELD_AT(parked_line, partition), .kind = FIELD_INTEGER},
    {FIELD_AT(parked_line, context), .kind = FIELD_TEXT},
    {FIELD_AT(parked_line, event_offset), .kind = FIELD_INTEGER},
    {FIELD_AT(parked_line, event_id), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(parked_line, type), .kind = FIELD_TEXT},
    {FIELD_AT(parked_line, reason), .kind = FIELD_TEXT},
    {FIELD_AT(parked_line, detail), .kind = FIELD_TEXT},
    {FIELD_AT(parked_line, attempts), .kind = FIELD_INTEGER},
    {FIELD_AT(parked_line, parked_at), .kind = FIELD_TEXT},
    {FIELD_AT(parked_line, waiting), .kind = FIELD_INTEGER},
};

static const struct record line_record = {
    .name = "ParkedLine",
    .size = sizeof(struct parked_line),
    .fields = line_fields,
    .field_count = COUNT_OF(line_fields),
};

static const enum db_type list_types[] = {DB_TEXT};

/* The first event of each key; NULL: of all views. */
static const struct db_statement parked_list = {
    .name = "parked_list",
    .sql = "SELECT DISTINCT ON (view, revision, key) view, revision, key, partition, context,"
           " event_offset, event_id, type, reason, detail, attempts,"
           " to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"
           " count(*) OVER (PARTITION BY view, revision, key) FROM projector.parked"
           " WHERE $1::text IS NULL OR view = $1::text ORDER BY view, revision, key, number"
           " LIMIT 1000",
    .parameters = list_types,
    .parameter_count = COUNT_OF(list_types),
    .row = &line_record,
};

static bool may_operate(const struct desk *desk, struct web_request *request,
                        struct caller *ret_caller)
{
    const struct problem *problem;
    if (desk == NULL)
        problem = &problem_desk_closed;
    else if (!web_authenticate(desk->auth, request, ret_caller, &problem))
        ;
    else if ((ret_caller->roles & ROLE_ADMIN) == 0)
        problem = &problem_forbidden;
    else
        return true;
    web_problem(request, problem);
    return false;
}

static const struct view *find_view(struct text name)
{
    for (size_t i = 0; i < CONTEXT_COUNT; i++)
        for (const struct view *const *view = view_lists[i]; *view != NULL; view++)
            if (text_is(name, (*view)->name))
                return *view;
    return NULL;
}

static void list_statements(struct desk *desk)
{
    size_t count = 0;
    desk->statements[count++] = &parked_list;
    desk->statements[count++] = &revisions_read;
    for (size_t i = 0; release_statements[i] != NULL; i++)
        desk->statements[count++] = release_statements[i];
    if (desk->view != NULL) {
        desk->statements[count++] = desk->view->load;
        desk->statements[count++] = desk->view->upsert;
    }
    assert(count < STATEMENTS_MAX);
    desk->statements[count] = NULL;
}

/* To one view's tables: two revisions have tables of one name. */
static bool connect(struct desk *desk, const struct view *view, struct error *error)
{
    if (desk->connection != NULL && desk->view == view)
        return true;
    desk->connection = db_close(desk->connection);
    desk->view = view;
    list_statements(desk);
    desk->connection = db_connect(
        &(struct db_options){
            .conninfo = desk->config->database.reveal,
            .search_path = view != NULL ? view->schema : "projector",
            .application_name = desk->name,
            .timeout_ms = (int)desk->config->statement_timeout_ms,
            .statements = desk->statements,
        },
        error);
    return desk->connection != NULL;
}

/* The live revision, where several are listed. *ret_view NULL: there is no such view. */
static bool reach_view(struct desk *desk, struct text name, struct arena *arena,
                       const struct view **ret_view, struct error *error)
{
    *ret_view = find_view(name);
    if (*ret_view == NULL)
        return true;
    if (revisions_count(name) > 1 &&
        (!connect(desk, desk->view, error) ||
         !revisions_find_live(desk->connection, name, arena, ret_view, error)))
        return false;
    return *ret_view == NULL || connect(desk, *ret_view, error);
}

/* After a fault the next request has a new connection. */
static void answer_fault(struct desk *desk, struct web_request *request, const struct error *error)
{
    log_warning("operation_failed", LOG_STRING("path", web_request_path(request)),
                LOG_ERROR(error));
    desk->connection = db_close(desk->connection);
    web_fault(request, error->fault);
}

static void answer_json(struct web_request *request, const struct buffer *out)
{
    struct text body = {0};
    if (!out->failed)
        body = arena_copy_text(web_request_arena(request), buffer_text(out));
    if (body.bytes == NULL)
        web_fault(request, FAULT_OUT_OF_MEMORY);
    else
        web_answer(request, 200, "application/json", body);
}

static bool read_list(struct desk *desk, struct web_request *request, struct text view,
                      struct db_rows *ret_rows)
{
    struct db_value values[] = {db_text(view)};
    struct error error = {0};
    if (connect(desk, desk->view, &error) && db_run(desk->connection, &parked_list, values,
                                                    web_request_arena(request), ret_rows, &error))
        return true;
    answer_fault(desk, request, &error);
    return false;
}

static void handle_list(struct web_request *request, const void *unused)
{
    struct desk *desk = web_request_user(request);
    struct caller caller;
    struct db_rows rows;
    (void)unused;
    if (!may_operate(desk, request, &caller))
        return;
    (void)pthread_mutex_lock(&desk->mutex);
    if (read_list(desk, request, web_request_query(request, "view"), &rows)) {
        struct buffer out CLEANUP(buffer_done);
        buffer_init(&out, LIST_BYTES_MAX);
        buffer_put_string(&out, "{\"items\":[");
        for (size_t i = 0; i < rows.count; i++) {
            buffer_put_string(&out, i > 0 ? "," : "");
            json_write(&line_record, (const struct parked_line *)rows.items + i, &out);
        }
        buffer_put_string(&out, "]}");
        answer_json(request, &out);
    }
    (void)pthread_mutex_unlock(&desk->mutex);
}

static void answer_result(struct web_request *request, const struct release_result *result)
{
    if (!result->found) {
        web_problem(request, &problem_not_parked);
        return;
    }
    struct buffer out CLEANUP(buffer_done);
    buffer_init(&out, LIST_BYTES_MAX);
    buffer_print(&out, "{\"applied\":%lld,\"discarded\":%lld,\"blocked\":%s",
                 (long long)result->applied, (long long)result->discarded,
                 result->blocked ? "true" : "false");
    if (result->blocked) {
        buffer_print(&out,
                     ",\"reason\":\"%s\",\"detail\":", fault_entry(result->cause.fault)->code);
        buffer_put_json_string(&out, text_of(result->cause.detail));
    }
    buffer_put_string(&out, "}");
    answer_json(request, &out);
}

/* Every key of the view, or one. */
static bool retry(struct desk *desk, struct web_request *request, struct release *release,
                  struct release_result *result)
{
    struct error error = {0};
    struct db_rows rows;
    if (release->key.bytes != NULL) {
        if (release_retry(release, result, &error))
            return true;
        answer_fault(desk, request, &error);
        return false;
    }
    if (!read_list(desk, request, text_of(release->view->name), &rows))
        return false;
    const struct parked_line *lines = rows.items;
    for (size_t i = 0; i < rows.count; i++) {
        struct release_result one = {0};
        release->key = lines[i].key;
        if (!release_retry(release, &one, &error)) {
            answer_fault(desk, request, &error);
            return false;
        }
        result->found = result->found || one.found;
        result->applied += one.applied;
        if (one.blocked && !result->blocked) {
            result->blocked = true;
            result->cause = one.cause;
        }
    }
    return true;
}

struct discard_input {
    struct text reason;
};

static const struct field discard_fields[] = {
    {FIELD_AT(discard_input, reason), .kind = FIELD_TEXT, .min = 1, .max = 500},
};

static const struct record discard_record = {
    .name = "Discard",
    .size = sizeof(struct discard_input),
    .fields = discard_fields,
    .field_count = COUNT_OF(discard_fields),
};

static bool read_reason(struct web_request *request, struct discard_input *ret_input)
{
    struct json_reading reading = {.arena = web_request_arena(request)};
    struct problem problem = problem_malformed_json;
    switch (json_read(&discard_record, web_request_body(request), &reading, ret_input)) {
    case JSON_OK: return true;
    case JSON_MALFORMED: problem.detail = reading.where; break;
    case JSON_INVALID:
        problem = problem_invalid_fields;
        problem.errors = &reading.errors;
        break;
    case JSON_OUT_OF_MEMORY: web_fault(request, FAULT_OUT_OF_MEMORY); return false;
    }
    web_problem(request, &problem);
    return false;
}

/* False: answered. */
static bool begin_release(struct desk *desk, struct web_request *request,
                          const struct caller *caller, struct release *ret_release)
{
    struct error error = {0};
    struct text name = web_request_param(request, "view");
    *ret_release = (struct release){
        .key = web_request_param(request, "key"),
        .who = text_of(caller->subject),
        .arena = web_request_arena(request),
    };
    if (!reach_view(desk, name, ret_release->arena, &ret_release->view, &error)) {
        answer_fault(desk, request, &error);
        return false;
    }
    if (ret_release->view == NULL) {
        web_problem(request, &problem_not_found);
        return false;
    }
    ret_release->connection = desk->connection;
    return true;
}

static void handle_retry(struct web_request *request, const void *unused)
{
    struct desk *desk = web_request_user(request);
    struct release_result result = {0};
    struct release release;
    struct caller caller;
    (void)unused;
    if (!may_operate(desk, request, &caller))
        return;
    (void)pthread_mutex_lock(&desk->mutex);
    if (begin_release(desk, request, &caller, &release) && retry(desk, request, &release, &result))
        answer_result(request, &result);
    (void)pthread_mutex_unlock(&desk->mutex);
}

static void discard(struct desk *desk, struct web_request *request, const struct release *release,
                    struct text reason)
{
    struct release_result result = {0};
    struct error error = {0};
    if (release_discard(release, reason, &result, &error))
        answer_result(request, &result);
    else
        answer_fault(desk, request, &error);
}

static void handle_discard(struct web_request *request, const void *unused)
{
    struct desk *desk = web_request_user(request);
    struct discard_input input;
    struct release release;
    struct caller caller;
    (void)unused;
    if (!may_operate(desk, request, &caller) || !read_reason(request, &input))
        return;
    (void)pthread_mutex_lock(&desk->mutex);
    if (begin_release(desk, request, &caller, &release))
        discard(desk, request, &release, input.reason);
    (void)pthread_mutex_unlock(&desk->mutex);
}

const struct web_route desk_routes[] = {
    {"GET", "/v1/parked", handle_list, NULL, 0},
    {"POST", "/v1/parked/{view}/retry", handle_retry, NULL, 0},
    {"POST", "/v1/parked/{view}/{key}/retry", handle_retry, NULL, 0},
    {"POST", "/v1/parked/{view}/{key}/discard", handle_discard, NULL, 0},
    {0},
};

bool desk_open(const struct projector_config *config, struct desk **ret_desk, struct error *error)
{
    *ret_desk = NULL;
    if (config->token_secret.reveal == NULL || config->token_secret.reveal[0] == '\0')
        return true;
    struct desk *desk = calloc(1, sizeof(*desk));
    if (desk == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "operators' desk");
    const struct web_auth_options options = {config->token_secret.reveal, config->token_issuer,
                                             role_names, .remembered_max = TOKENS_REMEMBERED};
    desk->config = config;
    (void)pthread_mutex_init(&desk->mutex, NULL);
    arena_init(&desk->arena, NAME_BYTES_MAX);
    desk->name = arena_print(&desk->arena, "sijang-projector operators %s", config->process);
    desk->auth = web_auth_create(&options, error);
    if (desk->auth == NULL || desk->name == NULL) {
        (void)desk_close(desk);
        return error_set(error, FAULT_OUT_OF_MEMORY, "operators' desk");
    }
    *ret_desk = desk;
    return true;
}

struct desk *desk_close(struct desk *desk)
{
    if (desk == NULL)
        return NULL;
    desk->connection = db_close(desk->connection);
    desk->auth = web_auth_destroy(desk->auth);
    (void)pthread_mutex_destroy(&desk->mutex);
    arena_done(&desk->arena);
    free(desk);
    return NULL;
}
