/* Answers: handed to libmicrohttpd without a copy, for arena and problem buffer outlive the
 * sending. */
#include "lib/web/request.h"

#include <assert.h>

#define PROBLEM_SIZE_MAX 65536

static const struct problem fault_problems[FAULT_COUNT] = {
#define FAULT_PROBLEM(name, code_, http, retryable, text)                                          \
    [FAULT_##name] = {.status = (http), .code = (code_), .title = (text)},
    FAULTS(FAULT_PROBLEM)
#undef FAULT_PROBLEM
};

const struct problem *problem_of_fault(enum fault fault)
{
    assert(fault > FAULT_NONE && fault < FAULT_COUNT);
    return &fault_problems[fault];
}

void web_header(struct web_request *request, const char *name, const char *value)
{
    assert(request->header_count < WEB_HEADERS_MAX);
    request->headers[request->header_count++] =
        (struct response_header){.name = name, .value = value};
}

/* A value that would break the head (a newline from a decoded path, say) is refused by
 * libmicrohttpd: the answer goes out without that header. */
static void add_headers(struct web_request *request, struct MHD_Response *response,
                        const char *content_type)
{
    if (content_type != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    (void)MHD_add_response_header(response, "X-Request-ID", request->id.bytes);
    for (size_t i = 0; i < request->header_count; i++)
        (void)MHD_add_response_header(response, request->headers[i].name,
                                      request->headers[i].value);
}

void web_answer(struct web_request *request, int status, const char *content_type, struct text body)
{
    assert(request->status == 0);
    assert(atomic_load(&request->state) <= REQUEST_HANDLING);
    request->status = status;
    /* The library takes a pointer to non-const, but only reads. */
    union {
        const char *constant;
        void *plain;
    } bytes = {.constant = body.bytes};
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.size, bytes.plain, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return;
    add_headers(request, response, content_type);
    request->queued =
        MHD_queue_response(request->connection, (unsigned)status, response) == MHD_YES;
    MHD_destroy_response(response);
}

void web_problem(struct web_request *request, const struct problem *problem)
{
    static const struct text no_memory = TEXT("{\"type\":\"urn:sijang:problem:out_of_memory\"}");
    if (problem->status == 401)
        web_header(request, "WWW-Authenticate", "Bearer");
    if (problem->status == 503)
        web_header(request, "Retry-After", "1");
    request->problem.size_max = PROBLEM_SIZE_MAX;
    buffer_clear(&request->problem);
    problem_write(problem, request->id, &request->problem);
    struct text body = request->problem.failed ? no_memory : buffer_text(&request->problem);
    web_answer(request, problem->status, "application/problem+json", body);
}

void web_fault(struct web_request *request, enum fault fault)
{
    web_problem(request, problem_of_fault(fault));
}
