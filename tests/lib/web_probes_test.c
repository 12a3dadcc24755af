/* Health, readiness and metrics over HTTP. */
#include "lib/web/probes.h"

#include "tests/lib/web_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

static atomic_bool is_ready;
static struct metric served = {
    .name = "sijang_served_total", .help = "Served.", .kind = METRIC_COUNTER};
static struct metric *const metrics[] = {&served, NULL};

static bool ready(void *self, struct buffer *out)
{
    assert_string_equal(self, "self");
    bool answer = atomic_load(&is_ready);
    if (!answer)
        buffer_put_string(out, "\"waiting_for\":\"the log\"");
    return answer;
}

static void probes_say_alive_ready_or_why_not_and_what_was_counted(void **unused)
{
    (void)unused;
    struct web_probes probes = {.metrics = metrics, .ready = ready, .self = "self"};
    web_probes_set(&probes);
    static const struct web_route *const tables[] = {web_probe_routes, NULL};
    struct web_server_options options = {
        .address = "127.0.0.1",
        .threads = 2,
        .connections_max = 10,
        .idle_timeout_s = 30,
        .body_bytes_max = 1000,
        .arena_bytes_max = 65536,
        .routes = tables,
        .request_timeout_us = 5000000,
    };
    struct web_server *server = web_server_start(&options, NULL);
    assert_non_null(server);
    int port = web_server_port(server);

    struct reply reply = client_ask(port, "GET", "/health", "", NULL);
    assert_int_equal(reply.status, 200);
    reply = client_ask(port, "GET", "/ready", "", NULL);
    assert_int_equal(reply.status, 503);
    assert_string_equal(reply.body, "{\"ready\":false,\"waiting_for\":\"the log\"}");
    atomic_store(&is_ready, true);
    reply = client_ask(port, "GET", "/ready", "", NULL);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "{\"ready\":true}");
    metric_add(&served, 3);
    reply = client_ask(port, "GET", "/metrics", "", NULL);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body, "\nsijang_served_total 3\n"));
    assert_null(web_server_stop(server, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probes_say_alive_ready_or_why_not_and_what_was_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
