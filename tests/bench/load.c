/* Constant arrivals over kept connections. A request that finds no connection free waits in line,
 * and its latency runs from when it was due: a server that stalls cannot slow its own examination
 * down. */
#include "tests/bench/load.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_SIZE_MAX 65536
#define DRAIN_NS        (5 * INT64_C(1000000000))
#define WAIT_NS_MAX     (100 * INT64_C(1000000))
#define EVENTS_MAX      256

struct connection {
    int fd;
    bool busy;
    int64_t due_ns;
    size_t out_size, out_sent, in_size;
    char out[REQUEST_SIZE_MAX];
    char in[ANSWER_SIZE_MAX + 1];
};

struct load {
    const struct load_plan *plan;
    struct load_result *result;
    struct connection *connections;
    struct connection **idle;
    int idle_count;
    int epoll;
    uint64_t number;
    int64_t interval_ns; /* 0: closed loop */
    int64_t next_due_ns, measured_from_ns, end_ns, last_answer_ns;
};

static void attach(struct load *load, struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};

    connection->fd = http_connect(&load->plan->address);
    connection->in_size = 0;
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        err(EXIT_FAILURE, "epoll_ctl");
}

static void release(struct load *load, struct connection *connection)
{
    connection->busy = false;
    load->idle[load->idle_count++] = connection;
}

static void reattach(struct load *load, struct connection *connection)
{
    close(connection->fd);
    attach(load, connection);
    if (!connection->busy)
        return;
    load->result->broken += connection->due_ns >= load->measured_from_ns;
    release(load, connection);
}

/* False: the connection is broken. */
static bool send_rest(struct connection *connection)
{
    while (connection->out_sent < connection->out_size) {
        ssize_t sent =
            send(connection->fd, connection->out + connection->out_sent,
                 connection->out_size - connection->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN;
        connection->out_sent += (size_t)sent;
    }
    return true;
}

static void record(struct load *load, const struct connection *connection, int status)
{
    if (connection->due_ns < load->measured_from_ns)
        return;
    load->last_answer_ns = now_ns();
    latencies_add(&load->result->latencies, load->last_answer_ns - connection->due_ns);
    load->result->by_class[status >= 100 && status < 600 ? status / 100 : 0]++;
}

/* False: the connection is broken. */
static bool take_answer(struct load *load, struct connection *connection)
{
    struct http_answer answer;

    connection->in[connection->in_size] = '\0';
    switch (http_read_answer(connection->in, connection->in_size, &answer)) {
    case HTTP_PARTIAL: return connection->in_size < ANSWER_SIZE_MAX;
    case HTTP_BROKEN: return false;
    case HTTP_COMPLETE: break;
    }
    if (!connection->busy || answer.size != connection->in_size)
        return false;
    connection->in_size = 0;
    record(load, connection, answer.status);
    release(load, connection);
    return true;
}

/* False: the connection is broken, or closed by the peer. */
static bool receive(struct load *load, struct connection *connection)
{
    for (;;) {
        ssize_t got = recv(connection->fd, connection->in + connection->in_size,
                           ANSWER_SIZE_MAX - connection->in_size, MSG_DONTWAIT);
        if (got < 0)
            return errno == EAGAIN;
        if (got == 0)
            return false;
        connection->in_size += (size_t)got;
        if (!take_answer(load, connection))
            return false;
    }
}

static void begin(struct load *load, int64_t due_ns)
{
    struct connection *connection = load->idle[--load->idle_count];
    const struct request_template *request = &load->plan->request;

    connection->out_size =
        http_write_request(request, load->number++, http_random_id(request->ids), connection->out);
    connection->out_sent = 0;
    connection->due_ns = due_ns;
    connection->busy = true;
    if (!send_rest(connection))
        reattach(load, connection);
}

static void begin_what_is_due(struct load *load)
{
    int64_t now = now_ns();

    while (load->idle_count > 0) {
        if (load->interval_ns == 0 && now < load->end_ns) {
            begin(load, now);
            continue;
        }
        /* Due before the end is begun, be it later: it has waited in line. */
        if (load->interval_ns == 0 || load->next_due_ns > now || load->next_due_ns >= load->end_ns)
            return;
        begin(load, load->next_due_ns);
        load->next_due_ns += load->interval_ns;
    }
}

static void wait_and_handle(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t wait_ns = WAIT_NS_MAX;

    if (load->interval_ns > 0 && load->idle_count > 0 && load->next_due_ns < load->end_ns) {
        int64_t until_due = load->next_due_ns - now_ns();
        wait_ns = until_due < 0 ? 0 : until_due < WAIT_NS_MAX ? until_due : WAIT_NS_MAX;
    }
    struct timespec timeout = {.tv_sec = 0, .tv_nsec = wait_ns};
    int count = epoll_pwait2(load->epoll, events, EVENTS_MAX, &timeout, NULL);
    if (count < 0 && errno != EINTR)
        err(EXIT_FAILURE, "epoll_pwait2");
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (!send_rest(connection) || !receive(load, connection))
            reattach(load, connection);
    }
}

/* What was due and never answered took at least until now. */
static void count_unanswered(struct load *load)
{
    int64_t now = now_ns();

    for (int i = 0; i < load->plan->connections; i++) {
        const struct connection *connection = &load->connections[i];
        if (!connection->busy || connection->due_ns < load->measured_from_ns)
            continue;
        latencies_add(&load->result->latencies, now - connection->due_ns);
        load->result->unanswered++;
    }
    if (load->interval_ns == 0)
        return;
    for (; load->next_due_ns < load->end_ns; load->next_due_ns += load->interval_ns) {
        if (load->next_due_ns < load->measured_from_ns)
            continue;
        latencies_add(&load->result->latencies, now - load->next_due_ns);
        load->result->unanswered++;
    }
}

static void prepare(struct load *load, const struct load_plan *plan)
{
    load->plan = plan;
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->connections = calloc((size_t)plan->connections, sizeof(*load->connections));
    load->idle = calloc((size_t)plan->connections, sizeof(*load->idle));
    if (load->epoll < 0 || load->connections == NULL || load->idle == NULL)
        err(EXIT_FAILURE, "load");
    for (int i = 0; i < plan->connections; i++) {
        attach(load, &load->connections[i]);
        release(load, &load->connections[i]);
    }
    prctl(PR_SET_TIMERSLACK, 1); /* the default would add 50 microseconds to each wait */
    load->interval_ns = plan->rate > 0 ? (int64_t)(1e9 / plan->rate) : 0;
    load->next_due_ns = now_ns();
    load->measured_from_ns = load->next_due_ns + (int64_t)(plan->warm_up_s * 1e9);
    load->end_ns = load->measured_from_ns + (int64_t)(plan->seconds * 1e9);
    load->last_answer_ns = load->measured_from_ns;
}

void load_run(const struct load_plan *plan, struct load_result *ret_result)
{
    struct load load = {.result = ret_result};

    *ret_result = (struct load_result){0};
    prepare(&load, plan);
    for (;;) {
        int64_t now = now_ns();
        bool all_begun = load.interval_ns == 0 || load.next_due_ns >= load.end_ns;
        if (now >= load.end_ns && all_begun && load.idle_count == plan->connections)
            break;
        if (now >= load.end_ns + DRAIN_NS)
            break;
        begin_what_is_due(&load);
        wait_and_handle(&load);
    }
    count_unanswered(&load);
    ret_result->seconds = (double)(load.last_answer_ns - load.measured_from_ns) / 1e9;
    for (int i = 0; i < plan->connections; i++)
        close(load.connections[i].fd);
    close(load.epoll);
    free(load.connections);
    free(load.idle);
}
