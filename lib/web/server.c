/* The server around libmicrohttpd: an epoll loop per thread, connections and their requests,
 * suspending, and an orderly end. The library aborts when it is stopped over a suspended
 * connection, and does not call us for one whose client has gone: both are looked after here. */
#include "lib/web/server.h"

#include "lib/core/clock.h"
#include "lib/core/condition.h"
#include "lib/web/local_socket.h"
#include "lib/web/request.h"
#include "lib/web/watch.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define OTHER_FILES            256   /* open beside the connections: index, broker, database */
#define CONNECTION_MEMORY_SIZE 16384 /* request line and headers */

static void *open_request(struct web_server *server, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct web_request *request = calloc(1, sizeof(*request));
    if (request == NULL)
        return NULL;
    request->server = server;
    request->socket = info->connect_fd;
    watch_until(request, clock_boot_us() + server->options.idle_timeout_s * INT64_C(1000000));
    arena_init(&request->arena, server->options.arena_bytes_max);
    /* The first block stays with the connection: let it be a small one, not the first body. */
    if (arena_alloc(&request->arena, 1) == NULL) {
        free(request);
        return NULL;
    }
    arena_reset(&request->arena);
    pthread_mutex_lock(&server->lock);
    request->next = server->requests;
    if (request->next != NULL)
        request->next->previous = request;
    server->requests = request;
    pthread_mutex_unlock(&server->lock);
    return request;
}

static void unlink_request(struct web_request *request)
{
    struct web_server *server = request->server;
    if (request->previous != NULL)
        request->previous->next = request->next;
    else
        server->requests = request->next;
    if (request->next != NULL)
        request->next->previous = request->previous;
}

static void close_request(struct web_request *request)
{
    struct web_server *server = request->server;
    bool abandoned = atomic_load(&request->state) == REQUEST_ABANDONED;
    pthread_mutex_lock(&server->lock);
    unlink_request(request);
    if (abandoned) {
        request->next = server->abandoned;
        server->abandoned = request;
    }
    pthread_mutex_unlock(&server->lock);
    if (abandoned)
        return;
    arena_done(&request->arena);
    buffer_done(&request->problem);
    free(request);
}

static void on_connection(void *closure, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        *socket_context = open_request(closure, connection);
    else if (*socket_context != NULL)
        close_request(*socket_context);
}

static void on_completed(void *closure, struct MHD_Connection *connection, void **request_context,
                         enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    struct web_server *server = closure;
    struct web_request *request = *request_context;
    if (request == NULL || atomic_load(&request->state) == REQUEST_ABANDONED)
        return;
    request_end(request);
    *request_context = NULL;
    if (!atomic_load(&server->draining))
        return;
    pthread_mutex_lock(&server->lock);
    pthread_cond_signal(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

/* Its owner may still be at work on the request: not a byte of it is used. */
static enum MHD_Result answer_abandoned(struct MHD_Connection *connection)
{
    static char body[] = "{\"type\":\"urn:sijang:problem:shutting_down\",\"status\":503,"
                         "\"title\":\"This process is stopping.\",\"code\":\"shutting_down\"}";
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof(body) - 1, body, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                  "application/problem+json");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_SERVICE_UNAVAILABLE, response);
    MHD_destroy_response(response);
    return queued;
}

static void handle(struct web_request *request)
{
    const struct web_route *route = request->match.route;
    if (request->refusal != NULL)
        web_problem(request, request->refusal);
    else if (atomic_load(&request->server->stopping))
        web_fault(request, FAULT_SHUTTING_DOWN);
    else
        route->handle(request, route->constant);
}

/* One turn of a whole request: handle it, or go on after a suspension. */
static enum MHD_Result run(struct web_request *request)
{
    enum request_state before = atomic_exchange(&request->state, REQUEST_HANDLING);
    assert(before == REQUEST_RECEIVING || before == REQUEST_RESUMED);
    watch_nothing(request);
    if (before == REQUEST_RESUMED)
        request->resumption(request, request->resumption_state);
    else
        handle(request);
    if (atomic_load(&request->state) != REQUEST_HANDLING)
        return MHD_YES; /* suspended; by now it may be resumed as well */
    assert(request->status != 0);
    return request->queued ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_request(void *closure, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **request_context)
{
    (void)closure;
    (void)version;
    struct web_request *request = *request_context;
    if (request == NULL) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        request = info->socket_context;
        if (request == NULL)
            return MHD_NO;
        *request_context = request;
        request->connection = connection;
        bool refused = request_begin(request, method, url);
        return !refused || request->queued ? MHD_YES : MHD_NO;
    }
    if (atomic_load(&request->state) == REQUEST_ABANDONED)
        return answer_abandoned(connection);
    if (*upload_size > 0) {
        request_take_body(request, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    return run(request);
}

void web_suspend(struct web_request *request,
                 void (*resumption)(struct web_request *request, void *state), void *state)
{
    assert(atomic_load(&request->state) == REQUEST_HANDLING && request->status == 0);
    request->resumption = resumption;
    request->resumption_state = state;
    MHD_suspend_connection(request->connection);
    atomic_store(&request->state, REQUEST_SUSPENDED);
}

void web_resume(struct web_request *request)
{
    struct web_server *server = request->server;
    atomic_fetch_add(&server->resumers, 1);
    enum request_state expected = REQUEST_SUSPENDED;
    if (atomic_compare_exchange_strong(&request->state, &expected, REQUEST_RESUMED))
        MHD_resume_connection(request->connection);
    else
        assert(expected == REQUEST_ABANDONED);
    atomic_fetch_sub(&server->resumers, 1);
}

/* Paths and queries stay as they came: they are decoded segment by segment, argument by argument.
 */
static size_t leave_escaped(void *closure, struct MHD_Connection *connection, char *text)
{
    (void)closure;
    (void)connection;
    return strlen(text);
}

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool read_address(const struct web_server_options *options,
                         union socket_address *ret_address, struct error *error)
{
    in_port_t port = htons((uint16_t)options->port);
    if (inet_pton(AF_INET, options->address, &ret_address->v4.sin_addr) == 1) {
        ret_address->v4.sin_family = AF_INET;
        ret_address->v4.sin_port = port;
        return true;
    }
    if (inet_pton(AF_INET6, options->address, &ret_address->v6.sin6_addr) == 1) {
        ret_address->v6.sin6_family = AF_INET6;
        ret_address->v6.sin6_port = port;
        return true;
    }
    return error_set(error, FAULT_CONFIG_INVALID, "%s is not a numeric address", options->address);
}

/* An ordinary user's soft limit, 1,024, is below what is configured here; the hard one is not.
 * Where it is, too, connections beyond it are refused when they come. */
static void allow_connections(int connections_max)
{
    struct rlimit files;
    rlim_t wanted = (rlim_t)connections_max + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted)
        return;
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

static bool start_daemon(struct web_server *server, struct error *error)
{
    const struct web_server_options *options = &server->options;
    union socket_address address = {0};
    if (!read_address(options, &address, error))
        return false;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO;
    if (address.any.sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
        {MHD_OPTION_SOCK_ADDR, 0, &address.any},
        {MHD_OPTION_CONNECTION_LIMIT, options->connections_max, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, options->idle_timeout_s, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_SIZE, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        /* A pool of one is no pool; one thread is what there is without the option. */
        {options->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, options->threads,
         NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    errno = 0;
    server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_ARRAY,
                                      items, MHD_OPTION_END);
    if (server->daemon == NULL)
        return error_set(error, FAULT_IO_FAILED, "listen on %s port %d: %s", options->address,
                         options->port, strerror(errno));
    return true;
}

static void init_lock(struct web_server *server)
{
    pthread_mutex_init(&server->lock, NULL);
    condition_init(&server->changed);
}

static void free_server(struct web_server *server)
{
    router_done(&server->router);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

static bool open_local(struct web_server *server, struct error *error)
{
    const char *path = server->options.socket;
    if (path == NULL || *path == '\0')
        return true;
    server->local = local_socket_open(path, server->daemon, error);
    return server->local != NULL;
}

struct web_server *web_server_start(const struct web_server_options *options, struct error *error)
{
    assert(options->connections_max > 0 && options->idle_timeout_s > 0 && options->threads > 0);
    struct web_server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "web server");
        return NULL;
    }
    server->options = *options;
    allow_connections(options->connections_max);
    init_lock(server);
    if (!router_init(&server->router, options->routes, error) || !watch_start(server, error)) {
        free_server(server);
        return NULL;
    }
    if (start_daemon(server, error)) {
        if (open_local(server, error))
            return server;
        MHD_stop_daemon(server->daemon);
    }
    watch_stop(server);
    free_server(server);
    return NULL;
}

int web_server_port(const struct web_server *server)
{
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void web_server_drain(struct web_server *server)
{
    atomic_store(&server->draining, true);
}

static bool any_under_way(const struct web_server *server)
{
    for (struct web_request *at = server->requests; at != NULL; at = at->next) {
        if (atomic_load(&at->state) != REQUEST_IDLE)
            return true;
    }
    return false;
}

static void wait_until_idle(struct web_server *server, int timeout_ms)
{
    struct timespec deadline = condition_deadline(timeout_ms * INT64_C(1000));
    pthread_mutex_lock(&server->lock);
    while (any_under_way(server)) {
        if (pthread_cond_timedwait(&server->changed, &server->lock, &deadline) == ETIMEDOUT)
            break;
    }
    pthread_mutex_unlock(&server->lock);
}

/* One look at all requests. True: some may still become suspended. */
static bool abandon_suspended(struct web_server *server, bool *ret_any)
{
    bool unsettled = false;
    pthread_mutex_lock(&server->lock);
    for (struct web_request *at = server->requests; at != NULL; at = at->next) {
        enum request_state state = REQUEST_SUSPENDED;
        if (atomic_compare_exchange_strong(&at->state, &state, REQUEST_ABANDONED)) {
            MHD_resume_connection(at->connection);
            *ret_any = true;
        } else if (state == REQUEST_HANDLING || state == REQUEST_RESUMED) {
            unsettled = true;
        }
    }
    pthread_mutex_unlock(&server->lock);
    return unsettled;
}

/* Owners that come too late find their requests here, abandoned but in place. Never freed. */
static void keep_for_late_owners(struct web_server *server)
{
    static _Atomic(struct web_server *) kept;
    server->next_abandoned = atomic_load(&kept);
    while (!atomic_compare_exchange_weak(&kept, &server->next_abandoned, server))
        continue;
}

struct web_server *web_server_stop(struct web_server *server, int timeout_ms)
{
    if (server == NULL)
        return NULL;
    web_server_drain(server);
    wait_until_idle(server, timeout_ms);
    atomic_store(&server->stopping, true);
    bool abandoned = false;
    while (abandon_suspended(server, &abandoned) || atomic_load(&server->resumers) > 0)
        sched_yield();
    server->local = local_socket_close(server->local);
    watch_stop(server);
    MHD_stop_daemon(server->daemon);
    if (abandoned) {
        keep_for_late_owners(server);
        return NULL;
    }
    free_server(server);
    return NULL;
}
