/* The HTTP server: routes as a table, one arena per request, limits on everything, and requests
 * that may be put aside while another thread works on them. Plain HTTP/1.1 behind a gateway. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/error.h"
#include "lib/core/trace.h"
#include "lib/web/problem.h"

struct web_server;
struct web_request;

#define WEB_PARAMS_MAX 6

struct web_route {
    const char *method;
    const char *path; /* /v1/products/{product_id}: a parameter is one whole segment */
    /* On an HTTP thread, when the body is complete. Must answer, or suspend and have another thread
     * resume. `constant` is the route's own. */
    void (*handle)(struct web_request *request, const void *constant);
    const void *constant;
    size_t body_bytes_max; /* 0: the server's; a larger body is 413 */
};

struct web_server_options {
    const char *address; /* numeric */
    int port;            /* 0: any, see web_server_port */
    const char *socket;  /* path of a Unix socket to listen on as well; NULL or empty: none */
    int threads;
    int connections_max;
    /* A connection on which the head of its next request is not there by then is closed, and one
     * whose request's body is not there by its deadline, whatever little comes in. */
    int idle_timeout_s;
    size_t body_bytes_max;
    size_t arena_bytes_max; /* per request */
    const struct web_route *const
        *routes;                /* NULL-terminated list of tables, each ended by .method NULL */
    void *user;                 /* for web_request_user */
    int64_t request_timeout_us; /* initial deadline of every request */
    /* Called for every request once answered; may be NULL. */
    void (*finished)(void *user, const struct web_request *request, int status,
                     int64_t duration_us);
};

/* The process's own paths, /health /ready /metrics, are ordinary routes: lib/web/probes.h. Unknown
 * paths are 404 (not_found), known ones with another method 405 (method_not_allowed, with Allow).
 */
MUST_CHECK struct web_server *web_server_start(const struct web_server_options *options,
                                               struct error *error);
int web_server_port(const struct web_server *server);
/* Refuses new requests with 503; those under way go on. */
void web_server_drain(struct web_server *server);
/* Drains, waits up to timeout_ms for requests under way to be answered (the owner of suspended ones
 * must see to it), then stops. What is still suspended then is answered 503; a late web_resume does
 * nothing, and its memory stays. NULL accepted, returns NULL. */
struct web_server *web_server_stop(struct web_server *server, int timeout_ms);

/* What was asked. Texts live as long as the request. Absent text if there is no such thing. */
struct arena *web_request_arena(struct web_request *request);
void *web_request_user(const struct web_request *request);
const char *web_request_method(const struct web_request *request);
const char *web_request_path(const struct web_request *request);
const struct web_route *web_request_route(const struct web_request *request);
struct text web_request_param(const struct web_request *request,
                              const char *name); /* of the path */
struct text web_request_query(const struct web_request *request, const char *name);
struct text web_request_header(const struct web_request *request, const char *name); /* any case */
/* All lines of that name as one list, comma separated (RFC 9110, section 5.3). False: the arena is
 * full. */
MUST_CHECK bool web_request_header_joined(struct web_request *request, const char *name,
                                          struct text *ret_value);
struct text web_request_body(const struct web_request *request);
struct text web_request_id(
    const struct web_request *request); /* X-Request-ID if sane, else drawn */
const struct trace_context *web_request_trace(const struct web_request *request);
int64_t web_request_deadline_boot_us(const struct web_request *request);

/* Answers, exactly once, on the request's HTTP thread (in handle, or in a resumption). Header names
 * are literals, values and body live in the arena or are static: they are borrowed until sent. */
void web_header(struct web_request *request, const char *name, const char *value);
void web_answer(struct web_request *request, int status, const char *content_type,
                struct text body);
/* application/problem+json, with request_id; Retry-After: 1 on 503. */
void web_problem(struct web_request *request, const struct problem *problem);
void web_fault(struct web_request *request, enum fault fault);

/* In handle: the request will be answered later. Another thread calls web_resume exactly once; then
 * `resumption` runs on the HTTP thread and must answer or suspend again. Suspend first, then hand
 * the request to the other thread. The arena belongs to whoever works on the request. If the client
 * has gone in the meantime, `resumption` is not called: what it would give back belongs in the
 * arena. */
void web_suspend(struct web_request *request,
                 void (*resumption)(struct web_request *request, void *state), void *state);
void web_resume(struct web_request *request); /* any thread */
