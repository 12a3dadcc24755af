/* Forwarding between real HTTP servers: a front that owns nothing, and owners that answer, turn
 * away, break off, keep silent and are succeeded. Clients must never hear a refusal of a command
 * that may still come to pass. */
#include "command-svc/forward.h"

#include "command-svc/answer.h"
#include "lib/core/clock.h"
#include "lib/log/owners.h"
#include "lib/log/port.h"
#include "tests/command-svc/forward_owner.h"
#include "tests/lib/web_client.h"
#include "tests/support/sim_broker.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET     "a secret for tests, forty characters long"
#define PARTITION  1
#define CALLS_MAX  4
#define PATIENT_US 5000000
#define HASTY_US   300000

static const struct uuid drawn_id = {{9, 9, 9}}, log_identity = {{1}};
static const char *const contexts[] = {"catalog", NULL};
static const struct aggregate aggregate = {.context = "catalog", .name = "thing"};
static const struct command command = {
    .name = "DoThing", .aggregate = &aggregate, .effect = COMMAND_CREATES};

/* A process, as far as the owners' topic is concerned. */
struct speaker {
    struct log_port *port;
    struct owners *owners;
};

static struct sim_broker *broker;
static struct speaker self, first, second;
static struct fake_owner first_server, second_server;
static struct forward *forward;
static struct web_server *front;
static int64_t timeout_us;
static atomic_int kept_count;
static struct call *_Atomic kept;

static void finish(struct call *call)
{
    web_resume(call->origin);
}

static void front_handle(struct web_request *request, const void *constant)
{
    struct call *call = arena_alloc_zeroed(web_request_arena(request), sizeof(*call));
    (void)constant;

    assert_non_null(call);
    *call = (struct call){
        .command = &command,
        .arena = web_request_arena(request),
        .trace = web_request_trace(request),
        .request_id = web_request_id(request),
        .deadline_boot_us = clock_boot_us() + timeout_us,
        .origin = request,
        .finish = finish,
        .command_id = drawn_id,
        .partition = PARTITION,
        .mark = {.offset = LOG_OFFSET_NONE},
        .outcome = CALL_MISPLACED,
    };
    web_suspend(request, call_answer, call);
    if (!forward_take(forward, call, request))
        web_resume(request);
}

static const struct web_route routes[] = {
    {.method = "POST", .path = "/v1/things/{id}", .handle = front_handle},
    {.method = "DELETE", .path = "/v1/things/{id}", .handle = front_handle},
    {0},
};

static void keep(void *user, struct call *call)
{
    (void)user;
    assert_int_equal(call->outcome, CALL_OPEN);
    atomic_fetch_add(&kept_count, 1);
    atomic_store(&kept, call);
}

static void start_speaker(struct speaker *speaker, const char *address, uint8_t incarnation)
{
    struct owners_options options = {
        .contexts = contexts,
        .partition_count = 4,
        .address = address,
        .incarnation = {{incarnation}},
    };

    speaker->port = sim_port_create(broker);
    speaker->owners = owners_create(speaker->port, &options, NULL);
    assert_non_null(speaker->owners);
}

static void stop_speaker(struct speaker *speaker)
{
    speaker->owners = owners_destroy(speaker->owners);
    sim_port_destroy(speaker->port);
}

static void turn_owners(void)
{
    while (owners_turn(self.owners) + owners_turn(first.owners) + owners_turn(second.owners) > 0)
        continue;
}

static void say(struct speaker *speaker, int64_t term)
{
    struct log_position position = {.log = log_identity, .term = term};

    owners_say(speaker->owners, "catalog", PARTITION, &position);
    turn_owners();
    forward_wake(forward);
}

static int start(void **unused)
{
    (void)unused;
    static const struct web_route *const tables[] = {routes, NULL};
    struct web_server_options options = {
        .address = "127.0.0.1",
        .threads = 2,
        .connections_max = 100,
        .idle_timeout_s = 30,
        .body_bytes_max = 1000,
        .arena_bytes_max = 1048576,
        .routes = tables,
        .request_timeout_us = PATIENT_US,
    };
    struct forward_options forwarding = {
        .calls_max = CALLS_MAX, .keep = keep, .incarnation = {{1}}};

    timeout_us = PATIENT_US;
    atomic_store(&kept_count, 0);
    fake_owner_start(&first_server, SECRET);
    fake_owner_start(&second_server, SECRET);
    broker = sim_broker_create(1);
    start_speaker(&self, "127.0.0.1:1", 1);
    start_speaker(&first, first_server.address, 2);
    start_speaker(&second, second_server.address, 3);
    turn_owners();
    forwarding.owners = self.owners;
    forwarded_key_derive(SECRET, &forwarding.key);
    forward = forward_start(&forwarding, NULL);
    front = web_server_start(&options, NULL);
    return forward == NULL || front == NULL ? -1 : 0;
}

static int stop(void **unused)
{
    (void)unused;
    forward_stop(forward, 0);
    front = web_server_stop(front, 5000);
    forward = forward_destroy(forward);
    fake_owner_stop(&first_server);
    fake_owner_stop(&second_server);
    stop_speaker(&self);
    stop_speaker(&first);
    stop_speaker(&second);
    sim_broker_destroy(broker);
    return 0;
}

static int ask(const char *headers)
{
    int client = client_connect(web_server_port(front));

    client_send(client,
                "POST /v1/things/a%%20b HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n"
                "Content-Type: application/json\r\n%s\r\n{\"a\":1}",
                headers);
    return client;
}

static struct reply answer_of(int client)
{
    struct reply reply;

    assert_true(client_receive(client, &reply));
    (void)close(client);
    return reply;
}

static void wait_heard(struct fake_owner *owner, int count)
{
    while (atomic_load(&owner->heard_count) < count)
        (void)sched_yield();
}

static void assert_problem(const struct reply *reply, int status, const char *code)
{
    assert_int_equal(reply->status, status);
    assert_true(problem_has_code((struct text){reply->body, reply->body_size}, code));
}

static void the_request_goes_there_and_the_answer_comes_back_unchanged(void **unused)
{
    (void)unused;
    say(&first, 7);
    struct reply reply =
        answer_of(ask("Authorization: Bearer abc\r\nIdempotency-Key: key-1\r\nIf-Match: \"2\"\r\n"
                      "X-Request-ID: mine\r\n"
                      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"));
    assert_int_equal(reply.status, 201);
    assert_string_equal(reply.body, "{\"id\":\"x\"}");
    assert_true(reply_has_header(&reply, "ETag", "\"3\""));
    assert_true(reply_has_header(&reply, "Location", "/v1/things/x"));
    assert_true(reply_has_header(&reply, "Sijang-Position", "catalog/1@9~log"));
    assert_true(reply_has_header(&reply, "Content-Type", "application/json"));
    assert_true(reply_has_header(&reply, "X-Request-ID", "mine"));

    const struct owner_heard *heard = &first_server.heard[0];
    assert_string_equal(heard->body, "{\"a\":1}");
    assert_string_equal(heard->headers[0], "Bearer abc");
    assert_string_equal(heard->headers[1], "key-1");
    assert_string_equal(heard->headers[2], "\"2\"");
    assert_string_equal(heard->headers[3], "mine");
    assert_memory_equal(heard->headers[4], "00-0af7651916cd43dd8448eb211c80319c-", 36);
    assert_null(strstr(heard->headers[4], "b7ad6b7169203331"));
    assert_string_equal(heard->headers[5], "application/json");
    assert_int_equal(heard->forwarded.term, 7);
    assert_in_range(heard->forwarded.left_ms, 1, PATIENT_US / 1000);
    assert_false(heard->forwarded.drawn);
}

static void a_command_without_a_key_keeps_the_id_that_was_drawn_for_it(void **unused)
{
    (void)unused;
    first_server.script[0] = OWNER_TURNS_AWAY;
    say(&first, 7);
    int client = ask("");
    wait_heard(&first_server, 1);
    say(&second, 8);
    assert_int_equal(answer_of(client).status, 201);
    assert_true(first_server.heard[0].forwarded.drawn);
    assert_true(second_server.heard[0].forwarded.drawn);
    assert_true(uuid_equal(&first_server.heard[0].forwarded.command_id, &drawn_id));
    assert_true(uuid_equal(&second_server.heard[0].forwarded.command_id, &drawn_id));
    assert_int_equal(second_server.heard[0].forwarded.term, 8);
}

static void refusals_and_faults_come_back_as_they_are(void **unused)
{
    (void)unused;
    first_server.script[0] = OWNER_REFUSES;
    first_server.script[1] = OWNER_OVERLOADED;
    first_server.script[2] = OWNER_FORBIDS;
    say(&first, 7);
    struct reply reply = answer_of(ask(""));
    assert_problem(&reply, 409, "sold_out");
    reply = answer_of(ask(""));
    assert_problem(&reply, 503, "overloaded");
    assert_true(reply_has_header(&reply, "Retry-After", "1"));
    reply = answer_of(ask(""));
    assert_problem(&reply, 403, "forbidden");
}

static void a_call_waits_until_its_owner_is_known(void **unused)
{
    (void)unused;
    int client = ask("");
    say(&first, 7);
    assert_int_equal(answer_of(client).status, 201);
}

static void nothing_sent_by_the_deadline_changed_nothing(void **unused)
{
    (void)unused;
    timeout_us = HASTY_US;
    struct reply reply = answer_of(ask(""));
    assert_problem(&reply, 503, "deadline_passed");
    assert_true(reply_has_header(&reply, "Retry-After", "1"));
    first_server.script[0] = OWNER_TURNS_AWAY; /* it has promised to do nothing */
    for (size_t i = 1; i < OWNER_REQUESTS_MAX; i++)
        first_server.script[i] = OWNER_STOPS;
    say(&first, 7);
    reply = answer_of(ask(""));
    assert_problem(&reply, 503, "deadline_passed");
}

static void what_was_sent_and_not_answered_is_unknown(void **unused)
{
    (void)unused;
    timeout_us = HASTY_US;
    first_server.script[0] = OWNER_KEEPS_SILENT;
    say(&first, 7);
    struct reply reply = answer_of(ask(""));
    assert_problem(&reply, 504, "outcome_unknown");
}

static void an_owner_that_cannot_be_reached_is_waited_out(void **unused)
{
    (void)unused;
    struct fake_owner gone;

    fake_owner_start(&gone, SECRET);
    stop_speaker(&second);
    start_speaker(&second, gone.address, 4);
    fake_owner_stop(&gone);
    say(&second, 7);
    int client = ask("");
    say(&first, 8);
    assert_int_equal(answer_of(client).status, 201);
}

static void a_silent_owner_is_left_for_its_successor_whose_refusal_is_final(void **unused)
{
    (void)unused;
    first_server.script[0] = OWNER_KEEPS_SILENT;
    second_server.script[0] = OWNER_REFUSES;
    say(&first, 7);
    int client = ask("Idempotency-Key: key-1\r\n");
    wait_heard(&first_server, 1);
    say(&second, 8);
    struct reply reply = answer_of(client);
    assert_problem(&reply, 409, "sold_out");
    assert_int_equal(second_server.heard[0].forwarded.term, 8);
}

static void what_a_successor_says_without_looking_into_the_log_is_not_final(void **unused)
{
    (void)unused;
    first_server.script[0] = OWNER_KEEPS_SILENT;
    first_server.script[1] = OWNER_KEEPS_SILENT;
    second_server.script[0] = OWNER_OVERLOADED; /* asked again */
    second_server.script[1] = OWNER_ACCEPTS;
    second_server.script[2] = OWNER_FORBIDS;
    say(&first, 7);
    int client = ask("");
    wait_heard(&first_server, 1);
    say(&second, 8);
    assert_int_equal(answer_of(client).status, 201);
    say(&first, 9);
    client = ask("");
    wait_heard(&first_server, 2);
    say(&second, 10);
    struct reply reply = answer_of(client);
    assert_problem(&reply, 504, "outcome_unknown");
}

static void the_same_owner_is_asked_again_but_may_not_refuse(void **unused)
{
    (void)unused;
    first_server.script[0] = OWNER_BREAKS_OFF;
    first_server.script[1] = OWNER_ACCEPTS;
    first_server.script[2] = OWNER_BREAKS_OFF;
    first_server.script[3] = OWNER_REFUSES;
    say(&first, 7);
    assert_int_equal(answer_of(ask("")).status, 201);
    struct reply reply = answer_of(ask(""));
    assert_problem(&reply, 504, "outcome_unknown");
    assert_int_equal(atomic_load(&first_server.heard_count), 4);
    for (int i = 1; i < 4; i++)
        assert_memory_equal(&first_server.heard[i].forwarded.command_id, &drawn_id,
                            sizeof(drawn_id));
}

static void what_has_become_this_process_s_own_is_kept(void **unused)
{
    (void)unused;
    int client = ask("");
    say(&self, 7);
    while (atomic_load(&kept_count) == 0)
        (void)sched_yield();
    /* It is lost again before it could be decided. */
    struct call *call = atomic_load(&kept);
    call_misplace(call);
    assert_true(forward_take(forward, call, call->origin));
    say(&first, 8);
    assert_int_equal(answer_of(client).status, 201);
}

static void too_many_are_refused(void **unused)
{
    (void)unused;
    int clients[CALLS_MAX + 1], refused = 0;

    timeout_us = HASTY_US;
    for (int i = 0; i <= CALLS_MAX; i++)
        clients[i] = ask("");
    for (int i = 0; i <= CALLS_MAX; i++) {
        struct reply reply = answer_of(clients[i]);
        assert_int_equal(reply.status, 503);
        refused += problem_has_code((struct text){reply.body, reply.body_size}, "overloaded");
    }
    assert_int_equal(refused, 1);
}

static void an_end_is_truthful_about_each(void **unused)
{
    (void)unused;
    first_server.script[0] = OWNER_KEEPS_SILENT;
    say(&first, 7);
    int sent = ask("");
    wait_heard(&first_server, 1);
    owners_withdraw(first.owners, "catalog", PARTITION);
    turn_owners();
    int waiting = ask("");
    struct reply taken = {0};
    forward_stop(forward, 100);
    struct reply reply = answer_of(sent);
    assert_problem(&reply, 504, "outcome_unknown");
    assert_true(client_receive(waiting, &taken));
    (void)close(waiting);
    assert_int_equal(taken.status, 503);
}

#define FORWARD_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FORWARD_TEST(the_request_goes_there_and_the_answer_comes_back_unchanged),
        FORWARD_TEST(a_command_without_a_key_keeps_the_id_that_was_drawn_for_it),
        FORWARD_TEST(refusals_and_faults_come_back_as_they_are),
        FORWARD_TEST(a_call_waits_until_its_owner_is_known),
        FORWARD_TEST(nothing_sent_by_the_deadline_changed_nothing),
        FORWARD_TEST(what_was_sent_and_not_answered_is_unknown),
        FORWARD_TEST(an_owner_that_cannot_be_reached_is_waited_out),
        FORWARD_TEST(a_silent_owner_is_left_for_its_successor_whose_refusal_is_final),
        FORWARD_TEST(what_a_successor_says_without_looking_into_the_log_is_not_final),
        FORWARD_TEST(the_same_owner_is_asked_again_but_may_not_refuse),
        FORWARD_TEST(what_has_become_this_process_s_own_is_kept),
        FORWARD_TEST(too_many_are_refused),
        FORWARD_TEST(an_end_is_truthful_about_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
