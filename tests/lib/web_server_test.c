/* The server as its clients see it: routes, limits, refusals, keep-alive. */
#include "lib/web/server.h"

#include "lib/core/clock.h"

#include "tests/lib/web_client.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define JSON "Content-Type: application/json\r\n"

static struct web_server *server;
static int port;
static _Atomic int finished_well;
static _Atomic int finished_missing;

/* Everything the request says, one line each. */
static void answer_all(struct web_request *request, const void *constant)
{
    struct text id = web_request_param(request, "id");
    struct text term = web_request_query(request, "term");
    struct text body = web_request_body(request);
    struct text header = web_request_header(request, "x-extra");
    char *text = arena_print(
        web_request_arena(request),
        "constant=%s method=%s path=%s id=%.*s term=%.*s absent=%d extra=%.*s body=%.*s user=%d",
        (const char *)constant, web_request_method(request), web_request_path(request),
        TEXT_ARGS(id), TEXT_ARGS(term), web_request_query(request, "nothing").bytes == NULL,
        TEXT_ARGS(header), TEXT_ARGS(body), *(int *)web_request_user(request));
    assert_non_null(text);
    assert_ptr_equal(web_request_route(request)->constant, constant);
    web_answer(request, 200, "text/plain", text_of(text));
}

static void answer_trace(struct web_request *request, const void *constant)
{
    (void)constant;
    char parent[TRACE_PARENT_SIZE];
    trace_format(web_request_trace(request), parent);
    web_header(request, "traceparent", arena_print(web_request_arena(request), "%s", parent));
    int64_t left_us = web_request_deadline_boot_us(request) - clock_boot_us();
    assert_in_range(left_us, 1, 5000000);
    web_answer(request, 204, NULL, (struct text){0});
}

static void answer_location(struct web_request *request, const void *constant)
{
    (void)constant;
    struct text id = web_request_param(request, "id");
    web_header(request, "Location", arena_copy_text(web_request_arena(request), id).bytes);
    web_answer(request, 201, "application/json", text_of("{}"));
}

static void use_up_the_arena(struct web_request *request, const void *constant)
{
    (void)constant;
    while (arena_alloc(web_request_arena(request), 4096) != NULL)
        continue;
    web_fault(request, FAULT_OUT_OF_MEMORY);
}

static const struct web_route routes[] = {
    {.method = "GET", .path = "/things", .handle = answer_all, .constant = "list"},
    {.method = "GET", .path = "/things/{id}", .handle = answer_all, .constant = "one"},
    {.method = "POST", .path = "/things/{id}", .handle = answer_all, .constant = "post"},
    {.method = "POST",
     .path = "/small",
     .handle = answer_all,
     .constant = "small",
     .body_bytes_max = 10},
    {.method = "GET", .path = "/trace", .handle = answer_trace},
    {.method = "GET", .path = "/location/{id}", .handle = answer_location},
    {.method = "GET", .path = "/hungry", .handle = use_up_the_arena},
    {0},
};

static void count_finished(void *user, const struct web_request *request, int status,
                           int64_t duration_us)
{
    assert_int_equal(*(int *)user, 42);
    assert_true(duration_us >= 0);
    assert_non_null(web_request_id(request).bytes);
    atomic_fetch_add(status == 404 ? &finished_missing : &finished_well, 1);
}

static struct web_server_options server_options(void)
{
    static int user = 42;
    static const struct web_route *const tables[] = {routes, NULL};
    return (struct web_server_options){
        .address = "127.0.0.1",
        .threads = 2,
        .connections_max = 100,
        .idle_timeout_s = 30,
        .body_bytes_max = 20000,
        .arena_bytes_max = 65536,
        .routes = tables,
        .user = &user,
        .request_timeout_us = 5000000,
        .finished = count_finished,
    };
}

static int start(void **unused)
{
    (void)unused;
    atomic_store(&finished_well, 0);
    atomic_store(&finished_missing, 0);
    struct web_server_options options = server_options();
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

static struct reply ask(const char *method, const char *target)
{
    return client_ask(port, method, target, "", NULL);
}

static void assert_problem(const struct reply *reply, int status, const char *code)
{
    assert_int_equal(reply->status, status);
    assert_true(reply_has_header(reply, "Content-Type", "application/problem+json"));
    assert_non_null(reply_header(reply, "X-Request-ID"));
    char member[100];
    (void)snprintf(member, sizeof(member), "\"code\":\"%s\"", code);
    assert_non_null(strstr(reply->body, member));
}

static void a_handler_sees_parameters_query_headers_and_body(void **unused)
{
    (void)unused;
    struct reply reply = client_ask(port, "POST", "/things/a%20b?x=1&term=%EC%8B%9C+%2B&flag",
                                    JSON "X-Extra: yes\r\n", "{\"n\":1}");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "constant=post method=POST path=/things/a%20b id=a b "
                                    "term=시 + absent=1 extra=yes body={\"n\":1} user=42");
}

static void unknown_paths_are_404_and_other_methods_405_with_allow(void **unused)
{
    (void)unused;
    struct reply reply = ask("GET", "/nothing");
    assert_problem(&reply, 404, "not_found");
    reply = ask("DELETE", "/things/1");
    assert_problem(&reply, 405, "method_not_allowed");
    assert_true(reply_has_header(&reply, "Allow", "GET, HEAD, POST"));
    reply = client_ask(port, "POST", "/things", JSON, "{}");
    assert_problem(&reply, 405, "method_not_allowed");
    assert_true(reply_has_header(&reply, "Allow", "GET, HEAD"));
}

static void head_is_get_without_the_body(void **unused)
{
    (void)unused;
    int client = client_connect(port);
    struct reply reply;
    client_send(client, "HEAD /things/1 HTTP/1.1\r\nHost: h\r\n\r\n"
                        "GET /things HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(client_receive_head(client, &reply));
    assert_int_equal(reply.status, 200);
    assert_true(strtol(reply_header(&reply, "Content-Length"), NULL, 10) > 0);
    assert_true(client_receive(client, &reply));
    assert_non_null(strstr(reply.body, "constant=list"));
    close(client);
}

static void a_body_far_beyond_the_limit_is_413_before_it_is_sent(void **unused)
{
    (void)unused;
    struct reply reply;
    int client = client_connect(port);
    client_send(client,
                "POST /things/1 HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 1048577\r\n\r\n");
    assert_true(client_receive(client, &reply));
    assert_problem(&reply, 413, "body_too_large");
    assert_false(client_receive(client, &reply));
    close(client);
    reply = client_ask(port, "POST", "/small", JSON, "12345678901");
    assert_problem(&reply, 413, "body_too_large");
    reply = client_ask(port, "POST", "/small", JSON, "1234567890");
    assert_int_equal(reply.status, 200);
}

static void a_body_beyond_the_limit_is_read_through_and_the_connection_goes_on(void **unused)
{
    (void)unused;
    struct reply reply;
    int client = client_connect(port);
    client_send(client,
                "POST /things/1 HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 21000\r\n\r\n");
    for (size_t sent = 0; sent < 21000; sent += 10)
        client_send(client, "%s", "0123456789");
    assert_true(client_receive(client, &reply));
    assert_problem(&reply, 413, "body_too_large");
    client_send(client, "GET /things/1 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(client_receive(client, &reply));
    assert_int_equal(reply.status, 200);
    close(client);
}

static void a_body_as_large_as_the_limit_arrives_whole_in_pieces(void **unused)
{
    (void)unused;
    char body[20001];
    for (size_t i = 0; i < sizeof(body) - 1; i++)
        body[i] = (char)('a' + i % 26);
    body[sizeof(body) - 1] = '\0';
    struct reply reply;
    int client = client_connect(port);
    client_send(client,
                "POST /things/1 HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 20000\r\n\r\n");
    for (size_t at = 0; at < 20000; at += 1000)
        client_send(client, "%.1000s", body + at);
    assert_true(client_receive(client, &reply));
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body, body));
    close(client);
}

static void a_body_without_a_size_is_411(void **unused)
{
    (void)unused;
    struct reply reply;
    int client = client_connect(port);
    client_send(client, "POST /things/1 HTTP/1.1\r\nHost: h\r\n" JSON
                        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n");
    assert_true(client_receive(client, &reply));
    assert_problem(&reply, 411, "length_required");
    close(client);
}

static void a_body_that_is_not_json_is_415_and_the_connection_goes_on(void **unused)
{
    (void)unused;
    struct reply reply;
    int client = client_connect(port);
    static const char *const types[] = {
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/jsonp\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        client_send(client, "POST /things/1 HTTP/1.1\r\nHost: h\r\n%sContent-Length: 2\r\n\r\n{}",
                    types[i]);
        assert_true(client_receive(client, &reply));
        assert_problem(&reply, 415, "unsupported_media_type");
    }
    client_send(client, "POST /things/1 HTTP/1.1\r\nHost: h\r\nContent-Type: "
                        "Application/JSON; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}");
    assert_true(client_receive(client, &reply));
    assert_int_equal(reply.status, 200);
    client_send(client, "POST /things/1 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(client_receive(client, &reply));
    assert_int_equal(reply.status, 200);
    close(client);
}

static void malformed_paths_and_queries_are_400(void **unused)
{
    (void)unused;
    static const char *const targets[] = {
        "/things/%",     "/things/%zz",    "/things/%00",
        "/things/%ff",   "/things?term=%", "/things?term=%e2%82",
        "/things?%ff=1", "/things?a=%00",  "/things?term=\xff\xfe",
    };
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct reply reply = ask("GET", targets[i]);
        assert_problem(&reply, 400, "malformed_request");
    }
}

static void too_many_arguments_are_400(void **unused)
{
    (void)unused;
    char target[400] = "/things?";
    for (int i = 0; i < 33; i++)
        memcpy(target + strlen(target), i == 0 ? "a=1" : "&a=1", i == 0 ? 3 : 4);
    struct reply reply = ask("GET", target);
    assert_problem(&reply, 400, "malformed_request");
    target[strlen(target) - 4] = '\0';
    assert_int_equal(ask("GET", target).status, 200);
}

static void what_is_not_http_ends_the_connection_not_the_server(void **unused)
{
    (void)unused;
    static const char *const noises[] = {
        "\x16\x03\x01\x02",
        "GET\r\n\r\n",
        "GET /things HTTP/9.9\r\n\r\n",
        "GET /things HTTP/1.1\r\nno colon here\r\n\r\n",
        "POST /things/1 HTTP/1.1\r\nHost: h\r\nContent-Length: many\r\n\r\n",
        "POST /things/1 HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        "POST /things/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET /things HTTP/1.1\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(noises) / sizeof(noises[0]); i++) {
        int client = client_connect(port);
        client_send(client, "%s", noises[i]);
        shutdown(client, SHUT_WR);
        struct reply reply;
        if (client_receive_head(client, &reply))
            assert_in_range(reply.status, 400, 505);
        close(client);
    }
    assert_int_equal(ask("GET", "/things").status, 200);
}

static void a_sane_request_id_comes_back_and_others_are_replaced(void **unused)
{
    (void)unused;
    struct reply reply = client_ask(port, "GET", "/nothing", "X-Request-ID: abc-1.2:3\r\n", NULL);
    assert_true(reply_has_header(&reply, "X-Request-ID", "abc-1.2:3"));
    assert_non_null(strstr(reply.body, "\"request_id\":\"abc-1.2:3\""));
    reply = client_ask(port, "GET", "/nothing", "X-Request-ID: a\"b\r\n", NULL);
    assert_null(strstr(reply.body, "a\"b"));
    assert_int_equal(strcspn(reply_header(&reply, "X-Request-ID"), "\r"), 36);
}

static void a_trace_goes_on_and_a_missing_one_begins(void **unused)
{
    (void)unused;
    struct reply reply = client_ask(
        port, "GET", "/trace",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n", NULL);
    assert_int_equal(reply.status, 204);
    const char *parent = reply_header(&reply, "traceparent");
    assert_memory_equal(parent, "00-4bf92f3577b34da6a3ce929d0e0e4736-", 36);
    assert_memory_not_equal(parent + 36, "00f067aa0ba902b7", 16);
    reply = ask("GET", "/trace");
    struct text fresh = {.bytes = reply_header(&reply, "traceparent"),
                         .size = TRACE_PARENT_SIZE - 1};
    assert_true(trace_parse(fresh, &(struct trace_context){0}));
}

static void a_newline_from_a_path_splits_no_answer(void **unused)
{
    (void)unused;
    struct reply reply = ask("GET", "/location/a%0d%0aSet-Cookie:%20x=1");
    assert_int_equal(reply.status, 201);
    assert_null(reply_header(&reply, "Set-Cookie"));
    assert_null(reply_header(&reply, "Location"));
}

static void an_arena_used_up_is_503_and_new_for_the_next_request(void **unused)
{
    (void)unused;
    int client = client_connect(port);
    struct reply reply;
    for (int i = 0; i < 3; i++) {
        client_send(client, "GET /hungry HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_true(client_receive(client, &reply));
        assert_problem(&reply, 503, "out_of_memory");
        assert_true(reply_has_header(&reply, "Retry-After", "1"));
        client_send(client, "GET /things/1 HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_true(client_receive(client, &reply));
        assert_int_equal(reply.status, 200);
    }
    close(client);
}

static void pipelined_requests_are_answered_in_order(void **unused)
{
    (void)unused;
    int client = client_connect(port);
    for (int i = 0; i < 100; i++)
        client_send(client,
                    "POST /things/%d HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 3\r\n\r\n%03d",
                    i, i);
    for (int i = 0; i < 100; i++) {
        struct reply reply;
        char expected[100];
        assert_true(client_receive(client, &reply));
        (void)snprintf(expected, sizeof(expected), "id=%d term= absent=1 extra= body=%03d", i, i);
        assert_non_null(strstr(reply.body, expected));
    }
    close(client);
}

static void every_answered_request_is_finished_once(void **unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask("GET", "/things").status, 200);
    assert_int_equal(ask("GET", "/nothing").status, 404);
    stop(NULL);
    assert_int_equal(atomic_load(&finished_well), 10);
    assert_int_equal(atomic_load(&finished_missing), 1);
}

static void a_draining_server_refuses_and_hangs_up(void **unused)
{
    (void)unused;
    int client = client_connect(port);
    struct reply reply;
    client_send(client, "GET /things HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(client_receive(client, &reply));
    assert_int_equal(reply.status, 200);
    web_server_drain(server);
    client_send(client, "GET /things HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(client_receive(client, &reply));
    assert_problem(&reply, 503, "shutting_down");
    assert_true(reply_has_header(&reply, "Connection", "close"));
    assert_false(client_receive(client, &reply));
    close(client);
}

/* A byte at a time, in time for a timeout that begins anew with each. True: it got an answer. */
static bool trickles_in(const char *begin, const char *rest)
{
    struct reply reply;
    int client = client_connect(port);
    struct pollfd hung_up = {.fd = client, .events = POLLIN};

    client_send(client, "%s", begin);
    while (*rest != '\0' && poll(&hung_up, 1, 300) == 0 && send(client, rest, 1, MSG_NOSIGNAL) == 1)
        rest++;
    bool answered = *rest == '\0' && client_receive(client, &reply);
    close(client);
    return answered;
}

static void who_sends_too_slowly_is_cut_off(void **unused)
{
    (void)unused;
    struct web_server_options options = server_options();
    options.idle_timeout_s = 1;
    options.request_timeout_us = 1000000;
    server = web_server_stop(server, 5000);
    server = web_server_start(&options, NULL);
    assert_non_null(server);
    port = web_server_port(server);
    assert_true(trickles_in("GET /things HTTP/1.1\r\nHost: h\r\n\r", "\n"));
    assert_false(trickles_in("GET /things HT", "TP/1.1\r\nHost: h\r\n\r\n"));
    assert_false(trickles_in("POST /things/1 HTTP/1.1\r\nHost: h\r\n" JSON
                             "Content-Length: 20\r\n\r\n",
                             "12345678901234567890"));
    assert_int_equal(ask("GET", "/things").status, 200);
}

static void what_cannot_be_listened_on_is_a_fault(void **unused)
{
    (void)unused;
    struct error error = {0};
    struct web_server_options options = server_options();
    options.port = port;
    assert_null(web_server_start(&options, &error));
    assert_int_equal(error.fault, FAULT_IO_FAILED);
    options.port = 0;
    options.address = "localhost";
    assert_null(web_server_start(&options, &error));
    assert_int_equal(error.fault, FAULT_CONFIG_INVALID);
    options.address = "::1";
    options.threads = 1;
    assert_null(web_server_stop(web_server_start(&options, NULL), 100));
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_handler_sees_parameters_query_headers_and_body),
        SERVED(unknown_paths_are_404_and_other_methods_405_with_allow),
        SERVED(head_is_get_without_the_body),
        SERVED(a_body_far_beyond_the_limit_is_413_before_it_is_sent),
        SERVED(a_body_beyond_the_limit_is_read_through_and_the_connection_goes_on),
        SERVED(a_body_as_large_as_the_limit_arrives_whole_in_pieces),
        SERVED(a_body_without_a_size_is_411),
        SERVED(a_body_that_is_not_json_is_415_and_the_connection_goes_on),
        SERVED(malformed_paths_and_queries_are_400),
        SERVED(too_many_arguments_are_400),
        SERVED(what_is_not_http_ends_the_connection_not_the_server),
        SERVED(a_sane_request_id_comes_back_and_others_are_replaced),
        SERVED(a_trace_goes_on_and_a_missing_one_begins),
        SERVED(a_newline_from_a_path_splits_no_answer),
        SERVED(an_arena_used_up_is_503_and_new_for_the_next_request),
        SERVED(pipelined_requests_are_answered_in_order),
        SERVED(every_answered_request_is_finished_once),
        SERVED(a_draining_server_refuses_and_hangs_up),
        SERVED(who_sends_too_slowly_is_cut_off),
        SERVED(what_cannot_be_listened_on_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
