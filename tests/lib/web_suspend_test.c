/* Requests put aside: resumed by other threads, by nobody, too late, or for a client that has gone.
 */
#include "lib/web/server.h"

#include "lib/core/clock.h"
#include "tests/lib/web_client.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PARKED_MAX      256
#define CLIENTS         64
#define CLIENT_REQUESTS 50

/* Where suspended requests wait for the test, or for its worker, to resume them. */
struct park {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct web_request *requests[PARKED_MAX];
    size_t count;
    bool closed;
};

static struct park park = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
static struct web_server *server;
static int port;
static _Atomic int resumptions;

static void put_aside(struct web_request *request,
                      void (*resumption)(struct web_request *request, void *state), void *state)
{
    web_suspend(request, resumption, state);
    pthread_mutex_lock(&park.lock);
    assert_true(park.count < PARKED_MAX);
    park.requests[park.count++] = request;
    pthread_cond_broadcast(&park.changed);
    pthread_mutex_unlock(&park.lock);
}

static size_t take_parked(struct web_request **requests, size_t least)
{
    pthread_mutex_lock(&park.lock);
    while (park.count < least && !park.closed)
        pthread_cond_wait(&park.changed, &park.lock);
    size_t count = park.count;
    memcpy(requests, park.requests, count * sizeof(*requests));
    park.count = 0;
    pthread_mutex_unlock(&park.lock);
    return count;
}

static struct web_request *take_one(void)
{
    struct web_request *requests[PARKED_MAX];
    assert_int_equal(take_parked(requests, 1), 1);
    return requests[0];
}

static void answer_body(struct web_request *request, void *state)
{
    assert_string_equal(state, "state");
    atomic_fetch_add(&resumptions, 1);
    web_answer(request, 200, "application/json", web_request_body(request));
}

static void suspend_once(struct web_request *request, const void *constant)
{
    (void)constant;
    put_aside(request, answer_body, "state");
}

static void suspend_again(struct web_request *request, void *state)
{
    put_aside(request, answer_body, state);
}

static void suspend_twice(struct web_request *request, const void *constant)
{
    (void)constant;
    put_aside(request, suspend_again, "state");
}

static void resume_at_once(struct web_request *request, const void *constant)
{
    (void)constant;
    web_suspend(request, answer_body, "state");
    web_resume(request);
}

static const struct web_route routes[] = {
    {.method = "POST", .path = "/once", .handle = suspend_once},
    {.method = "POST", .path = "/twice", .handle = suspend_twice},
    {.method = "POST", .path = "/at-once", .handle = resume_at_once},
    {0},
};

static int start(void **unused)
{
    (void)unused;
    static const struct web_route *const tables[] = {routes, NULL};
    struct web_server_options options = {
        .address = "127.0.0.1",
        .threads = 2,
        .connections_max = 300,
        .idle_timeout_s = 30,
        .body_bytes_max = 1000,
        .arena_bytes_max = 65536,
        .routes = tables,
        .request_timeout_us = 5000000,
    };
    park.count = 0;
    park.closed = false;
    atomic_store(&resumptions, 0);
    server = web_server_start(&options, NULL);
    port = server == NULL ? 0 : web_server_port(server);
    return server == NULL ? -1 : 0;
}

static int stop(void **unused)
{
    (void)unused;
    server = web_server_stop(server, 5000);
    return 0;
}

static void send_body(int client, const char *path, int number)
{
    client_send(client,
                "POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                "Content-Length: 6\r\n\r\n%06d",
                path, number);
}

static void assert_answered(int client, int number)
{
    struct reply reply;
    char expected[16];
    (void)snprintf(expected, sizeof(expected), "%06d", number);
    assert_true(client_receive(client, &reply));
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, expected);
}

static void *resume_until_closed(void *unused)
{
    (void)unused;
    struct web_request *requests[PARKED_MAX];
    size_t count;
    while ((count = take_parked(requests, 1)) > 0) {
        for (size_t i = 0; i < count; i++)
            web_resume(requests[i]);
    }
    return NULL;
}

static pthread_t start_worker(void)
{
    pthread_t worker;
    assert_int_equal(pthread_create(&worker, NULL, resume_until_closed, NULL), 0);
    return worker;
}

static void end_worker(pthread_t worker)
{
    pthread_mutex_lock(&park.lock);
    park.closed = true;
    pthread_cond_broadcast(&park.changed);
    pthread_mutex_unlock(&park.lock);
    assert_int_equal(pthread_join(worker, NULL), 0);
}

static void sixty_four_connections_each_get_their_own_answers(void **unused)
{
    (void)unused;
    pthread_t worker = start_worker();
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client_connect(port);
    for (int turn = 0; turn < CLIENT_REQUESTS; turn++) {
        for (int i = 0; i < CLIENTS; i++)
            send_body(clients[i], turn % 2 == 0 ? "/once" : "/twice", turn * 1000 + i);
        for (int i = 0; i < CLIENTS; i++)
            assert_answered(clients[i], turn * 1000 + i);
    }
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    end_worker(worker);
    assert_int_equal(atomic_load(&resumptions), CLIENTS * CLIENT_REQUESTS);
}

static void pipelined_requests_wait_for_the_suspended_one_before_them(void **unused)
{
    (void)unused;
    pthread_t worker = start_worker();
    static const char *const paths[] = {"/once", "/at-once", "/twice"};
    int client = client_connect(port);
    for (int i = 0; i < 60; i++)
        send_body(client, paths[i % 3], i);
    for (int i = 0; i < 60; i++)
        assert_answered(client, i);
    close(client);
    end_worker(worker);
}

static void hang_up(int client, bool hard)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    if (hard)
        setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(client);
}

static void a_client_that_hangs_up_while_suspended_harms_nobody(void **unused)
{
    (void)unused;
    for (int i = 0; i < 40; i++) {
        int gone = client_connect(port);
        int there = client_connect(port);
        send_body(gone, "/once", i);
        struct web_request *of_gone = take_one();
        send_body(there, "/once", i);
        struct web_request *of_there = take_one();
        hang_up(gone, i % 2 == 0);
        web_resume(of_gone);
        web_resume(of_there);
        assert_answered(there, i);
        close(there);
    }
    int64_t before_us = clock_boot_us();
    stop(NULL);
    assert_true(clock_boot_us() - before_us < 4000000);
}

static void drain_lets_suspended_requests_end_and_stop_waits_for_them(void **unused)
{
    (void)unused;
    int client = client_connect(port);
    send_body(client, "/once", 7);
    struct web_request *request = take_one();
    web_server_drain(server);
    struct reply reply = client_ask(port, "POST", "/once", "", NULL);
    assert_int_equal(reply.status, 503);

    pthread_mutex_lock(&park.lock);
    park.requests[park.count++] = request;
    pthread_mutex_unlock(&park.lock);
    pthread_t worker = start_worker();
    stop(NULL);
    assert_answered(client, 7);
    close(client);
    end_worker(worker);
}

static void stop_does_not_wait_for_ever_and_a_late_resume_does_nothing(void **unused)
{
    (void)unused;
    int clients[8];
    struct web_request *requests[PARKED_MAX];
    for (int i = 0; i < 8; i++) {
        clients[i] = client_connect(port);
        send_body(clients[i], "/once", i);
        requests[i] = take_one();
    }
    server = web_server_stop(server, 50);
    for (int i = 0; i < 8; i++) {
        struct reply reply;
        if (client_receive(clients[i], &reply))
            assert_int_equal(reply.status, 503);
        close(clients[i]);
        /* The owner is still at work on it. */
        assert_non_null(arena_alloc(web_request_arena(requests[i]), 100));
        assert_int_equal(web_request_body(requests[i]).size, 6);
        web_resume(requests[i]);
    }
    assert_int_equal(atomic_load(&resumptions), 0);
}

static void stop_under_load_ends_every_request(void **unused)
{
    (void)unused;
    pthread_t worker = start_worker();
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_connect(port);
        for (int turn = 0; turn < 20; turn++)
            send_body(clients[i], "/twice", turn);
    }
    stop(NULL);
    for (int i = 0; i < CLIENTS; i++) {
        struct reply reply;
        for (int turn = 0; client_receive(clients[i], &reply) && reply.status == 200; turn++)
            assert_in_range(turn, 0, 19);
        close(clients[i]);
    }
    end_worker(worker);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(sixty_four_connections_each_get_their_own_answers),
        SERVED(pipelined_requests_wait_for_the_suspended_one_before_them),
        SERVED(a_client_that_hangs_up_while_suspended_harms_nobody),
        SERVED(drain_lets_suspended_requests_end_and_stop_waits_for_them),
        SERVED(stop_does_not_wait_for_ever_and_a_late_resume_does_nothing),
        SERVED(stop_under_load_ends_every_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
