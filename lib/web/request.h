/* The inside of a request. There is one per connection, used for one request after the other, so
 * that nothing is allocated per request. All of it belongs to the connection's HTTP thread, but for
 * .state. */
#pragma once

#include "lib/core/id.h"
#include "lib/web/router.h"
#include "lib/web/server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#define WEB_HEADERS_MAX 12

/* idle -> receiving -> handling -> idle; handling -> streaming -> idle; handling -> suspended ->
 * resumed -> handling; resumed -> idle when the client has gone. A suspended request whose owner
 * does not resume it before the server stops becomes abandoned and stays so: only the owner touches
 * it then. */
enum request_state {
    REQUEST_IDLE,
    REQUEST_RECEIVING,
    REQUEST_HANDLING,
    REQUEST_STREAMING,
    REQUEST_SUSPENDED,
    REQUEST_RESUMED,
    REQUEST_ABANDONED,
};

struct query_argument {
    struct text name;
    struct text value;
    struct query_argument *next;
};

struct response_header {
    const char *name;
    const char *value;
};

struct web_request {
    struct web_server *server;
    struct web_request *previous, *next; /* of the server, under its lock */
    struct MHD_Connection *connection;
    int socket;
    _Atomic int64_t overdue_boot_us; /* watch.h */
    _Atomic enum request_state state;

    struct arena arena;
    struct buffer problem; /* the document, if the answer is one */
    const char *method;
    const char *path;
    struct route_match match;
    struct query_argument *arguments;
    struct text id;
    struct trace_context trace;
    int64_t started_boot_us;
    int64_t deadline_boot_us;

    char *body;
    size_t body_size;
    size_t body_capacity;
    const struct problem *refusal; /* decided from the head, answered when the body is through */

    void (*resumption)(struct web_request *request, void *state);
    void *resumption_state;

    struct response_header headers[WEB_HEADERS_MAX];
    size_t header_count;
    int status; /* 0: not answered yet */
    bool queued;
    char id_drawn[UUID_TEXT_SIZE];
};

struct web_server {
    struct web_server_options options;
    struct router router;
    struct MHD_Daemon *daemon;
    struct local_socket *local; /* NULL: none */
    atomic_bool draining;       /* what begins now is refused */
    atomic_bool stopping;       /* what would be handled now is refused */
    atomic_int resumers;        /* threads inside web_resume: the daemon must outlive them */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a request became idle while draining */
    struct web_request *requests;
    struct {
        pthread_t thread;
        pthread_cond_t stop; /* with the lock, as is: */
        bool stopping;
    } watch;
    struct web_request *abandoned;
    struct web_server *next_abandoned;
};

/* The head is there: fills the request and decides whether it may go on. True: a body that must not
 * be read has been refused already. */
MUST_CHECK bool request_begin(struct web_request *request, const char *method, const char *path);
void request_take_body(struct web_request *request, const char *bytes, size_t size);
/* The request is through, answered or not. */
void request_end(struct web_request *request);

/* A problem as constant as its fault. */
const struct problem *problem_of_fault(enum fault fault);
