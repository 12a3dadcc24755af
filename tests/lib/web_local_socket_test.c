/* A Unix socket as a second door: the same answers, the old file replaced, no other one removed. */
#include "lib/web/server.h"
#include "tests/lib/web_client.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/sijang-socket-XXXXXX";
static char path[64];

static void resumed(struct web_request *request, void *state)
{
    (void)state;
    web_answer(request, 200, "text/plain", text_of("later"));
}

static void *resume(void *request)
{
    web_resume(request);
    return NULL;
}

/* Answered by another thread, as commands are. */
static void answer_later(struct web_request *request, const void *constant)
{
    pthread_t thread;
    (void)constant;

    web_suspend(request, resumed, NULL);
    assert_int_equal(pthread_create(&thread, NULL, resume, request), 0);
    pthread_detach(thread);
}

static void echo(struct web_request *request, const void *constant)
{
    (void)constant;
    web_answer(request, 200, "text/plain", web_request_body(request));
}

static struct web_server *start(const char *socket, struct error *error)
{
    static const struct web_route routes[] = {
        {.method = "GET", .path = "/later", .handle = answer_later},
        {.method = "POST", .path = "/echo", .handle = echo},
        {0},
    };
    static const struct web_route *const tables[] = {routes, NULL};
    const struct web_server_options options = {
        .address = "127.0.0.1",
        .socket = socket,
        .threads = 2,
        .connections_max = 100,
        .idle_timeout_s = 30,
        .body_bytes_max = 20000,
        .arena_bytes_max = 65536,
        .routes = tables,
        .request_timeout_us = 5000000,
    };
    return web_server_start(&options, error);
}

static int make_folder(void **unused)
{
    (void)unused;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/door", folder);
    return 0;
}

static int remove_folder(void **unused)
{
    (void)unused;
    return rmdir(folder);
}

static void expect_answers(int client)
{
    struct reply reply;

    for (int i = 0; i < 3; i++) {
        client_send(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(client_receive(client, &reply));
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body, "later");
        client_send(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                            "Content-Length: 4\r\n\r\n1234");
        assert_true(client_receive(client, &reply));
        assert_string_equal(reply.body, "1234");
    }
}

static void both_doors_lead_to_the_same_answers(void **unused)
{
    (void)unused;
    struct web_server *server = start(path, NULL);
    assert_non_null(server);
    int clients[] = {client_connect_local(path), client_connect(web_server_port(server)),
                     client_connect_local(path)};

    for (size_t i = 0; i < 3; i++)
        expect_answers(clients[i]);
    for (size_t i = 0; i < 3; i++)
        close(clients[i]);
    web_server_stop(server, 5000);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_socket_left_behind_is_replaced(void **unused)
{
    (void)unused;
    FILE *left = fopen(path, "we");
    assert_non_null(left);
    fclose(left);
    struct web_server *server = start(path, NULL);
    assert_non_null(server);
    int client = client_connect_local(path);

    expect_answers(client);
    close(client);
    web_server_stop(server, 5000);
}

static void who_ends_leaves_its_successor_in_place(void **unused)
{
    (void)unused;
    struct web_server *first = start(path, NULL), *second = start(path, NULL);
    assert_non_null(first);
    assert_non_null(second);

    web_server_stop(first, 5000);
    int client = client_connect_local(path);
    expect_answers(client);
    close(client);
    web_server_stop(second, 5000);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_path_that_cannot_be_is_an_error(void **unused)
{
    (void)unused;
    struct error error;
    char deep[160];

    snprintf(deep, sizeof(deep), "%s/none/door", folder);
    assert_null(start(deep, &error));
    assert_int_equal(error.fault, FAULT_IO_FAILED);
    memset(deep, 'x', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    assert_null(start(deep, &error));
    assert_int_equal(error.fault, FAULT_CONFIG_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_doors_lead_to_the_same_answers),
        cmocka_unit_test(a_socket_left_behind_is_replaced),
        cmocka_unit_test(who_ends_leaves_its_successor_in_place),
        cmocka_unit_test(a_path_that_cannot_be_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
