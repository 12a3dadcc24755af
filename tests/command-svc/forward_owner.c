/* Every request must be forwarded in good form; a failed check ends the test through its answer. */
#include "tests/command-svc/forward_owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void answer_problem(struct web_request *request, int status, const char *code)
{
    struct problem problem = {.status = status, .code = code, .title = "As told."};
    web_problem(request, &problem);
}

static void end_silence(struct web_request *request, void *state)
{
    (void)state;
    web_fault(request, FAULT_OUTCOME_UNKNOWN);
}

static void keep_silent(struct fake_owner *owner, struct web_request *request, int number)
{
    web_suspend(request, end_silence, NULL);
    atomic_store(&owner->silent[number], request);
}

static void answer(struct fake_owner *owner, struct web_request *request, int number)
{
    static char flood[70000];

    switch (owner->script[number]) {
    case OWNER_ACCEPTS:
        web_header(request, "ETag", "\"3\"");
        web_header(request, "Location", "/v1/things/x");
        web_header(request, "Sijang-Position", "catalog/1@9~log");
        web_answer(request, 201, "application/json", text_of("{\"id\":\"x\"}"));
        break;
    case OWNER_REFUSES:
        web_header(request, "Sijang-Position", "catalog/1@8~log");
        answer_problem(request, 409, "sold_out");
        break;
    case OWNER_TURNS_AWAY: web_problem(request, &problem_not_owner); break;
    case OWNER_STOPS: web_fault(request, FAULT_SHUTTING_DOWN); break;
    case OWNER_OVERLOADED: web_fault(request, FAULT_OVERLOADED); break;
    case OWNER_FORBIDS: web_problem(request, &problem_forbidden); break;
    case OWNER_BREAKS_OFF:
        web_answer(request, 201, NULL, (struct text){flood, sizeof(flood)});
        break;
    case OWNER_KEEPS_SILENT: keep_silent(owner, request, number); break;
    }
}

static void hear(struct web_request *request, const void *constant)
{
    static const char *const names[] = {"Authorization", "Idempotency-Key", "If-Match",
                                        "X-Request-ID",  "traceparent",     "Content-Type"};
    struct fake_owner *owner = web_request_user(request);
    int number = atomic_load(&owner->heard_count);
    struct owner_heard *heard = &owner->heard[number];
    (void)constant;

    if (number >= OWNER_REQUESTS_MAX - 1 ||
        !forwarded_read(web_request_header(request, FORWARDED_HEADER), &owner->key,
                        web_request_method(request), web_request_path(request),
                        &heard->forwarded)) {
        answer_problem(request, 500, "not_forwarded_well");
        return;
    }
    for (size_t i = 0; i < 6; i++)
        (void)snprintf(heard->headers[i], sizeof(heard->headers[i]), "%.*s",
                       TEXT_ARGS(web_request_header(request, names[i])));
    (void)snprintf(heard->body, sizeof(heard->body), "%.*s", TEXT_ARGS(web_request_body(request)));
    answer(owner, request, number);
    atomic_store(&owner->heard_count, number + 1);
}

static const struct web_route routes[] = {
    {.method = "POST", .path = "/v1/things/{id}", .handle = hear},
    {.method = "DELETE", .path = "/v1/things/{id}", .handle = hear},
    {0},
};

void fake_owner_start(struct fake_owner *owner, const char *secret)
{
    static const struct web_route *const tables[] = {routes, NULL};
    struct web_server_options options = {
        .address = "127.0.0.1",
        .threads = 1,
        .connections_max = 100,
        .idle_timeout_s = 30,
        .body_bytes_max = 1000,
        .arena_bytes_max = 65536,
        .routes = tables,
        .user = owner,
        .request_timeout_us = 5000000,
    };

    *owner = (struct fake_owner){0};
    forwarded_key_derive(secret, &owner->key);
    owner->server = web_server_start(&options, NULL);
    assert_non_null(owner->server);
    (void)snprintf(owner->address, sizeof(owner->address), "127.0.0.1:%d",
                   web_server_port(owner->server));
}

void fake_owner_stop(struct fake_owner *owner)
{
    for (size_t i = 0; i < OWNER_REQUESTS_MAX; i++)
        if (atomic_load(&owner->silent[i]) != NULL)
            web_resume(atomic_load(&owner->silent[i]));
    owner->server = web_server_stop(owner->server, 5000);
}
