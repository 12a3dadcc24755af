/* From the head of a request to a decision: is it one of ours, and may its body come? */
#include "lib/web/request.h"

#include "lib/core/clock.h"
#include "lib/web/percent.h"
#include "lib/web/watch.h"

#include <assert.h>
#include <string.h>

#define REQUEST_ID_SIZE_MAX 64
#define ARGUMENTS_MAX       32
/* A body too large for its route is still read, and dropped, up to here: a client, or a gateway,
 * that is not done sending may not see an answer that comes earlier. */
#define READ_THROUGH_BYTES_MAX (1024 * 1024)

static struct text header(const struct web_request *request, const char *name, size_t name_size)
{
    struct text value = {0};
    if (MHD_lookup_connection_value_n(request->connection, MHD_HEADER_KIND, name, name_size,
                                      &value.bytes, &value.size) != MHD_YES)
        return (struct text){0};
    return value;
}

#define HEADER(request, literal) header(request, literal, sizeof(literal) - 1)

static bool is_sane_id(struct text id)
{
    if (id.size == 0 || id.size > REQUEST_ID_SIZE_MAX)
        return false;
    for (size_t i = 0; i < id.size; i++) {
        char c = id.bytes[i];
        bool name = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '-' || c == '_' || c == '.' || c == ':' || c == '~';
        if (!name)
            return false;
    }
    return true;
}

static void identify(struct web_request *request)
{
    request->id = HEADER(request, "X-Request-ID");
    if (!is_sane_id(request->id)) {
        struct uuid uuid = uuid_v7();
        uuid_format(&uuid, request->id_drawn);
        request->id = (struct text){.bytes = request->id_drawn, .size = UUID_TEXT_SIZE - 1};
    }
    struct trace_context parent;
    if (trace_parse(HEADER(request, "traceparent"), &parent))
        trace_child(&parent, &request->trace);
    else
        trace_start(&request->trace);
}

struct argument_reading {
    struct web_request *request;
    struct query_argument **end;
    size_t count;
    const struct problem *problem;
};

static enum MHD_Result read_argument(void *closure, enum MHD_ValueKind kind, const char *key,
                                     size_t key_size, const char *value, size_t value_size)
{
    (void)kind;
    struct argument_reading *reading = closure;
    struct arena *arena = &reading->request->arena;
    struct query_argument *argument = arena_alloc_zeroed(arena, sizeof(*argument));
    if (argument == NULL || reading->count == ARGUMENTS_MAX) {
        reading->problem =
            argument == NULL ? problem_of_fault(FAULT_OUT_OF_MEMORY) : &problem_malformed_request;
        return MHD_NO;
    }
    struct text name = {.bytes = key, .size = key_size};
    struct text text = {.bytes = value == NULL ? "" : value, .size = value_size};
    reading->problem = percent_decode(name, arena, &argument->name);
    if (reading->problem == NULL)
        reading->problem = percent_decode(text, arena, &argument->value);
    *reading->end = argument;
    reading->end = &argument->next;
    reading->count++;
    return reading->problem == NULL ? MHD_YES : MHD_NO;
}

static const struct problem *read_query(struct web_request *request)
{
    struct argument_reading reading = {.request = request, .end = &request->arguments};
    MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, read_argument,
                                &reading);
    return reading.problem;
}

static bool is_json(struct text media_type)
{
    static const char json[] = "application/json";
    size_t size = sizeof(json) - 1;
    if (media_type.size < size || strncasecmp(media_type.bytes, json, size) != 0)
        return false;
    return media_type.size == size || media_type.bytes[size] == ';' ||
           media_type.bytes[size] == ' ';
}

static bool method_has_body(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

static const struct problem *find_route(struct web_request *request)
{
    struct route_match *match = &request->match;
    const struct problem *problem = router_match(&request->server->router, request->method,
                                                 request->path, &request->arena, match);
    if (problem != NULL || match->route != NULL)
        return problem;
    if (match->allowed == 0)
        return &problem_not_found;
    char *allow = router_allow(match->allowed, &request->arena);
    if (allow != NULL)
        web_header(request, "Allow", allow);
    return &problem_method_not_allowed;
}

/* What can be said from the head alone, but for the body's size. */
static const struct problem *check_head(struct web_request *request, size_t content_size)
{
    if (atomic_load(&request->server->draining)) {
        web_header(request, "Connection", "close");
        return problem_of_fault(FAULT_SHUTTING_DOWN);
    }
    const struct problem *problem = find_route(request);
    if (problem == NULL)
        problem = read_query(request);
    if (problem != NULL || content_size == 0 || !method_has_body(request->method))
        return problem;
    return is_json(HEADER(request, "Content-Type")) ? NULL : &problem_unsupported_media_type;
}

static size_t body_limit(const struct web_request *request)
{
    const struct web_route *route = request->match.route;
    if (route != NULL && route->body_bytes_max > 0)
        return route->body_bytes_max;
    return request->server->options.body_bytes_max;
}

/* A body we will not read through: it has no size, or too large a one. */
static const struct problem *check_size(struct web_request *request, size_t *ret_size)
{
    *ret_size = 0;
    if (HEADER(request, "Transfer-Encoding").bytes != NULL)
        return &problem_length_required;
    struct text length = HEADER(request, "Content-Length");
    int64_t size = 0;
    if (length.bytes != NULL && (!text_to_integer(length, &size) || size < 0))
        return &problem_malformed_request;
    *ret_size = (size_t)size;
    return NULL;
}

static void reset(struct web_request *request, const char *method, const char *path)
{
    request->method = method;
    request->path = path;
    request->match = (struct route_match){0};
    request->arguments = NULL;
    request->started_boot_us = clock_boot_us();
    request->deadline_boot_us =
        request->started_boot_us + request->server->options.request_timeout_us;
    request->body = NULL;
    request->body_size = 0;
    request->body_capacity = 0;
    request->refusal = NULL;
    request->header_count = 0;
    request->status = 0;
    request->queued = false;
    watch_until(request, request->deadline_boot_us);
}

bool request_begin(struct web_request *request, const char *method, const char *path)
{
    atomic_store(&request->state, REQUEST_RECEIVING);
    reset(request, method, path);
    identify(request);
    size_t size;
    const struct problem *problem = check_size(request, &size);
    if (problem == NULL) {
        request->refusal = check_head(request, size);
        if (size > READ_THROUGH_BYTES_MAX)
            problem = &problem_body_too_large;
        else if (size > body_limit(request) && request->refusal == NULL)
            request->refusal = &problem_body_too_large;
    }
    /* An answer before the end of the body costs the connection: only where reading on would be
     * worse. */
    if (problem != NULL) {
        web_problem(request, problem);
        return true;
    }
    if (size == 0 || request->refusal != NULL)
        return false;
    request->body = arena_alloc(&request->arena, size);
    request->body_capacity = size;
    if (request->body == NULL)
        request->refusal = problem_of_fault(FAULT_OUT_OF_MEMORY);
    return false;
}

void request_take_body(struct web_request *request, const char *bytes, size_t size)
{
    if (request->refusal != NULL || request->status != 0)
        return;
    if (size > request->body_capacity - request->body_size) {
        request->refusal = &problem_body_too_large;
        return;
    }
    memcpy(request->body + request->body_size, bytes, size);
    request->body_size += size;
}

void request_end(struct web_request *request)
{
    const struct web_server_options *options = &request->server->options;
    int64_t boot_us = clock_boot_us();
    if (request->status != 0 && options->finished != NULL)
        options->finished(options->user, request, request->status,
                          boot_us - request->started_boot_us);
    arena_reset(&request->arena);
    watch_until(request, boot_us + options->idle_timeout_s * INT64_C(1000000));
    atomic_store(&request->state, REQUEST_IDLE);
}

struct arena *web_request_arena(struct web_request *request)
{
    return &request->arena;
}

void *web_request_user(const struct web_request *request)
{
    return request->server->options.user;
}

const char *web_request_method(const struct web_request *request)
{
    return request->method;
}

const char *web_request_path(const struct web_request *request)
{
    return request->path;
}

const struct web_route *web_request_route(const struct web_request *request)
{
    return request->match.route;
}

struct text web_request_param(const struct web_request *request, const char *name)
{
    return route_match_param(&request->match, name);
}

struct text web_request_query(const struct web_request *request, const char *name)
{
    for (const struct query_argument *at = request->arguments; at != NULL; at = at->next) {
        if (text_is(at->name, name))
            return at->value;
    }
    return (struct text){0};
}

struct text web_request_header(const struct web_request *request, const char *name)
{
    return header(request, name, strlen(name));
}

struct header_joining {
    struct text name;
    size_t lines;
    size_t size; /* of the values, and a comma behind each */
    char *at;    /* NULL: only measured */
};

static enum MHD_Result join_line(void *closure, enum MHD_ValueKind kind, const char *key,
                                 size_t key_size, const char *value, size_t value_size)
{
    (void)kind;
    struct header_joining *joining = closure;
    if (key_size != joining->name.size || strncasecmp(key, joining->name.bytes, key_size) != 0)
        return MHD_YES;
    joining->lines++;
    joining->size += value_size + 1;
    if (joining->at == NULL)
        return MHD_YES;
    if (value_size > 0)
        memcpy(joining->at, value, value_size);
    joining->at[value_size] = ',';
    joining->at += value_size + 1;
    return MHD_YES;
}

bool web_request_header_joined(struct web_request *request, const char *name,
                               struct text *ret_value)
{
    struct header_joining joining = {.name = text_of(name)};
    MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, join_line, &joining);
    *ret_value = web_request_header(request, name);
    if (joining.lines < 2)
        return true;
    size_t size = joining.size - 1;
    char *joined = arena_alloc(&request->arena, joining.size);
    if (joined == NULL)
        return false;
    joining.at = joined;
    MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, join_line, &joining);
    *ret_value = (struct text){.bytes = joined, .size = size};
    return true;
}

struct text web_request_body(const struct web_request *request)
{
    return (struct text){.bytes = request->body, .size = request->body_size};
}

struct text web_request_id(const struct web_request *request)
{
    return request->id;
}

const struct trace_context *web_request_trace(const struct web_request *request)
{
    return &request->trace;
}

int64_t web_request_deadline_boot_us(const struct web_request *request)
{
    return request->deadline_boot_us;
}
