/* The client against a real server: answers, limits, deadlines, kept connections, and the line
 * between what was certainly not sent and what may have been. */
#include "lib/web/client.h"

#include "lib/core/arena.h"
#include "lib/core/clock.h"
#include "lib/web/server.h"
#include "tests/lib/web_client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ANSWER_BYTES_MAX 4096
#define MANY             200
#define PARKED_MAX       8

static struct web_server *server;
static struct web_client *client;
static char urls[3][64]; /* /echo, /large, /never */
static struct web_request *_Atomic parked[PARKED_MAX];
static _Atomic size_t parked_count;

static void echo(struct web_request *request, const void *constant)
{
    (void)constant;
    struct text tag = web_request_header(request, "If-Match");
    web_header(request, "Sijang-Method", web_request_method(request));
    if (tag.bytes != NULL)
        web_header(request, "ETag", tag.bytes);
    web_answer(request, 201, "application/json", web_request_body(request));
}

static void large(struct web_request *request, const void *constant)
{
    static char body[ANSWER_BYTES_MAX + 1];
    (void)constant;
    web_answer(request, 200, NULL, (struct text){body, sizeof(body)});
}

static void end_parked(struct web_request *request, void *state)
{
    (void)state;
    web_fault(request, FAULT_SHUTTING_DOWN);
}

static void never(struct web_request *request, const void *constant)
{
    (void)constant;
    web_suspend(request, end_parked, NULL);
    atomic_store(&parked[atomic_fetch_add(&parked_count, 1)], request);
}

static const struct web_route routes[] = {
    {.method = "POST", .path = "/echo", .handle = echo},
    {.method = "DELETE", .path = "/echo", .handle = echo},
    {.method = "GET", .path = "/echo", .handle = echo},
    {.method = "GET", .path = "/large", .handle = large},
    {.method = "POST", .path = "/never", .handle = never},
    {0},
};

static int start(void **unused)
{
    (void)unused;
    static const char *const paths[] = {"echo", "large", "never"};
    static const struct web_route *const tables[] = {routes, NULL};
    struct web_server_options options = {
        .address = "127.0.0.1",
        .threads = 2,
        .connections_max = 20,
        .idle_timeout_s = 30,
        .body_bytes_max = 1000,
        .arena_bytes_max = 65536,
        .routes = tables,
        .request_timeout_us = 5000000,
    };
    struct web_client_options wanted = {
        .exchanges_max = MANY,
        .connections_per_host_max = 4,
        .response_bytes_max = ANSWER_BYTES_MAX,
        .connect_timeout_ms = 1000,
    };
    atomic_store(&parked_count, 0);
    for (size_t i = 0; i < PARKED_MAX; i++)
        atomic_store(&parked[i], NULL);
    server = web_server_start(&options, NULL);
    client = web_client_create(&wanted, NULL);
    if (server == NULL || client == NULL)
        return -1;
    for (size_t i = 0; i < 3; i++)
        (void)snprintf(urls[i], sizeof(urls[i]), "http://127.0.0.1:%d/%s", web_server_port(server),
                       paths[i]);
    return 0;
}

static int stop(void **unused)
{
    (void)unused;
    client = web_client_destroy(client);
    for (size_t i = 0; i < PARKED_MAX; i++)
        if (atomic_load(&parked[i]) != NULL)
            web_resume(atomic_load(&parked[i]));
    server = web_server_stop(server, 5000);
    return 0;
}

struct asked {
    struct web_exchange exchange;
    int answers;
    char body[ANSWER_BYTES_MAX + 1];
    char tag[32];
    char method[16];
};

static void copy(char *to, size_t size, struct text text)
{
    assert_true(text.size < size);
    if (text.size > 0)
        memcpy(to, text.bytes, text.size);
    to[text.size] = '\0';
}

static void answered(struct web_exchange *exchange)
{
    struct asked *asked = exchange->user;
    asked->answers++;
    if (exchange->outcome != EXCHANGE_ANSWERED)
        return;
    copy(asked->body, sizeof(asked->body), exchange->answer);
    copy(asked->tag, sizeof(asked->tag), web_exchange_header(exchange, "etag"));
    copy(asked->method, sizeof(asked->method), web_exchange_header(exchange, "Sijang-Method"));
}

static void send_to(struct asked *asked, const char *method, const char *url, const char *body)
{
    static const struct web_exchange_header headers[] = {
        {"Content-Type", "application/json"}, {"If-Match", "\"7\""}, {0}};
    *asked = (struct asked){
        .exchange = {.method = method,
                     .url = url,
                     .headers = headers,
                     .body = text_of(body),
                     .deadline_boot_us = clock_boot_us() + 5000000,
                     .done = answered,
                     .user = asked},
    };
    assert_true(web_client_send(client, &asked->exchange, NULL));
}

static void turn_until_answered(struct asked *asked)
{
    while (asked->answers == 0) {
        (void)web_client_turn(client);
        if (asked->answers == 0)
            web_client_wait(client, 1000);
    }
}

static void turn_until_parked(size_t count)
{
    while (atomic_load(&parked_count) < count) {
        (void)web_client_turn(client);
        web_client_wait(client, 10);
    }
}

static struct asked ask(const char *method, const char *url, const char *body)
{
    static struct asked asked;
    send_to(&asked, method, url, body);
    turn_until_answered(&asked);
    assert_int_equal(asked.answers, 1);
    return asked;
}

static void a_request_and_its_answer_arrive_whole(void **unused)
{
    (void)unused;
    static const char *const methods[] = {"POST", "DELETE", "GET"};
    for (size_t i = 0; i < 3; i++) {
        const char *body = i == 2 ? NULL : "{\"a\":1}";
        struct asked asked = ask(methods[i], urls[0], body);
        assert_int_equal(asked.exchange.outcome, EXCHANGE_ANSWERED);
        assert_int_equal(asked.exchange.status, 201);
        assert_string_equal(asked.body, body == NULL ? "" : body);
        assert_string_equal(asked.tag, "\"7\"");
        assert_string_equal(asked.method, methods[i]);
    }
}

static void many_requests_share_few_connections(void **unused)
{
    (void)unused;
    static struct asked asked[MANY];
    for (size_t i = 0; i < MANY; i++)
        send_to(&asked[i], "POST", urls[0], "{}");
    struct asked late = {.exchange = {.method = "GET", .url = urls[0], .done = answered}};
    struct error error;
    assert_false(web_client_send(client, &late.exchange, &error));
    assert_int_equal(error.fault, FAULT_OVERLOADED);
    for (size_t i = 0; i < MANY; i++) {
        turn_until_answered(&asked[i]);
        assert_int_equal(asked[i].answers, 1);
        assert_int_equal(asked[i].exchange.status, 201);
    }
    /* More than four at once would be refused connections beside the server's twenty. */
    assert_true(client_ask(web_server_port(server), "GET", "/echo", "", NULL).status == 201);
}

static void too_large_an_answer_is_broken_off(void **unused)
{
    (void)unused;
    struct asked asked = ask("GET", urls[1], NULL);
    assert_int_equal(asked.exchange.outcome, EXCHANGE_BROKEN);
    assert_non_null(strstr(asked.exchange.error.detail, "too large"));
}

static void a_refused_connection_sends_nothing(void **unused)
{
    (void)unused;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    char url[64];
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    struct asked asked = ask("POST", url, "{}"); /* bound, never listening */
    assert_int_equal(asked.exchange.outcome, EXCHANGE_NOT_SENT);
    (void)close(listener);
    asked = ask("POST", "http://no.such.host.invalid/", "{}");
    assert_int_equal(asked.exchange.outcome, EXCHANGE_NOT_SENT);
    asked = ask("POST", "ftp://127.0.0.1/", "{}");
    assert_int_equal(asked.exchange.outcome, EXCHANGE_NOT_SENT);
}

static void an_answer_that_does_not_come_in_time_is_unknown(void **unused)
{
    (void)unused;
    struct asked asked;
    send_to(&asked, "POST", urls[2], "{}");
    asked.exchange.deadline_boot_us = clock_boot_us() + 100000;
    turn_until_answered(&asked);
    assert_int_equal(asked.exchange.outcome, EXCHANGE_BROKEN);
    assert_non_null(strstr(asked.exchange.error.detail, "in time"));
    assert_true(clock_boot_us() >= asked.exchange.deadline_boot_us);
}

/* Behind four silent ones on four connections: it was never sent. */
static void what_waits_for_a_connection_was_not_sent(void **unused)
{
    (void)unused;
    static struct asked silent[4];
    struct asked asked;
    for (size_t i = 0; i < 4; i++)
        send_to(&silent[i], "POST", urls[2], "{}");
    turn_until_parked(4);
    send_to(&asked, "POST", urls[0], "{}");
    asked.exchange.deadline_boot_us = clock_boot_us() + 100000;
    turn_until_answered(&asked);
    assert_int_equal(asked.exchange.outcome, EXCHANGE_NOT_SENT);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(silent[i].answers, 0);
}

static void a_cancelled_request_is_not_answered(void **unused)
{
    (void)unused;
    struct asked asked;
    send_to(&asked, "POST", urls[2], "{}");
    assert_false(web_client_cancel(client, &asked.exchange));
    send_to(&asked, "POST", urls[2], "{}");
    turn_until_parked(1);
    assert_true(web_client_cancel(client, &asked.exchange));
    assert_int_equal(asked.answers, 0);
    assert_int_equal(ask("POST", urls[0], "{}").exchange.status, 201);
}

/* Each connection: answers once, then takes another request and closes without a word. */
static void *answer_once(void *listener)
{
    char request[4096];
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    for (;;) {
        int accepted = accept(*(int *)listener, NULL, NULL);
        if (accepted < 0)
            return NULL;
        if (recv(accepted, request, sizeof(request), 0) > 0)
            (void)send(accepted, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
        (void)recv(accepted, request, sizeof(request), 0);
        (void)close(accepted);
    }
}

static void nothing_is_sent_twice_behind_the_callers_back(void **unused)
{
    (void)unused;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    char url[64];
    pthread_t thread;
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(listener, 5), 0);
    assert_int_equal(pthread_create(&thread, NULL, answer_once, &listener), 0);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    assert_int_equal(ask("POST", url, "{}").exchange.status, 200);
    assert_int_equal(ask("POST", url, "").exchange.outcome, EXCHANGE_BROKEN);
    (void)shutdown(listener, SHUT_RDWR);
    (void)close(listener);
    (void)pthread_join(thread, NULL);
}

static void *wake_later(void *self)
{
    web_client_wake(self);
    return NULL;
}

static void another_thread_ends_the_wait(void **unused)
{
    (void)unused;
    pthread_t thread;
    int64_t began_us = clock_boot_us();
    assert_int_equal(pthread_create(&thread, NULL, wake_later, client), 0);
    web_client_wait(client, 10000);
    assert_true(clock_boot_us() - began_us < 9000000);
    (void)pthread_join(thread, NULL);
}

#define CLIENT_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(a_request_and_its_answer_arrive_whole),
        CLIENT_TEST(many_requests_share_few_connections),
        CLIENT_TEST(too_large_an_answer_is_broken_off),
        CLIENT_TEST(a_refused_connection_sends_nothing),
        CLIENT_TEST(an_answer_that_does_not_come_in_time_is_unknown),
        CLIENT_TEST(what_waits_for_a_connection_was_not_sent),
        CLIENT_TEST(a_cancelled_request_is_not_answered),
        CLIENT_TEST(nothing_is_sent_twice_behind_the_callers_back),
        CLIENT_TEST(another_thread_ends_the_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
