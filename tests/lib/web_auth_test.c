/* Bearer tokens over HTTP: what is let in, and all that is not. */
#include "lib/web/auth.h"

#include "lib/core/clock.h"
#include "tests/lib/web_client.h"

#include <jwt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET       "0123456789abcdef0123456789abcdef"
#define TOO_LONG     SECRET SECRET "x"
#define OTHER_SECRET "0123456789abcdef0123456789abcdeX"

static const char *const role_names[] = {"customer", "seller", "admin", NULL};
static const struct web_auth_options auth_options = {
    .secret = SECRET,
    .issuer = "sijang",
    .role_names = role_names,
    .remembered_max = 8,
};
static struct web_auth *auth;
static struct web_server *server;
static struct arena arena;
static int port;

static void answer_caller(struct web_request *request, const void *constant)
{
    (void)constant;
    struct caller caller;
    const struct problem *problem;
    if (!web_authenticate(auth, request, &caller, &problem)) {
        web_problem(request, problem);
        return;
    }
    char *text = arena_print(web_request_arena(request), "%s has %u", caller.subject, caller.roles);
    web_answer(request, 200, "text/plain", text_of(text));
}

static const struct web_route routes[] = {
    {.method = "GET", .path = "/me", .handle = answer_caller},
    {0},
};

static int start_with(const struct web_auth_options *options)
{
    static const struct web_route *const tables[] = {routes, NULL};
    struct web_server_options server_options = {
        .address = "127.0.0.1",
        .threads = 2,
        .connections_max = 100,
        .idle_timeout_s = 30,
        .body_bytes_max = 1000,
        .arena_bytes_max = 65536,
        .routes = tables,
        .request_timeout_us = 5000000,
    };
    arena_init(&arena, 1024 * 1024);
    auth = web_auth_create(options, NULL);
    server = web_server_start(&server_options, NULL);
    port = server == NULL ? 0 : web_server_port(server);
    return auth == NULL || server == NULL ? -1 : 0;
}

static int start(void **unused)
{
    (void)unused;
    return start_with(&auth_options);
}

static int start_forgetful(void **unused)
{
    (void)unused;
    struct web_auth_options options = auth_options;
    options.remembered_max = 0;
    return start_with(&options);
}

static int stop(void **unused)
{
    (void)unused;
    server = web_server_stop(server, 5000);
    auth = web_auth_destroy(auth);
    arena_done(&arena);
    return 0;
}

/* `claims` has one place, $, for a time in seconds. */
static char *token_with(jwt_alg_t algorithm, const char *secret, const char *claims, int64_t time_s)
{
    char json[1024];
    int before = (int)strcspn(claims, "$");
    (void)snprintf(json, sizeof(json), "%.*s%lld%s", before, claims, (long long)time_s,
                   claims + before + 1);
    jwt_t *jwt;
    assert_int_equal(jwt_new(&jwt), 0);
    bool is_none = algorithm == JWT_ALG_NONE;
    assert_int_equal(jwt_set_alg(jwt, algorithm, is_none ? NULL : (const unsigned char *)secret,
                                 is_none ? 0 : (int)strlen(secret)),
                     0);
    assert_int_equal(jwt_add_grants_json(jwt, json), 0);
    char *encoded = jwt_encode_str(jwt);
    assert_non_null(encoded);
    char *token = arena_print(&arena, "%s", encoded);
    free(encoded);
    jwt_free(jwt);
    return token;
}

static int64_t in_seconds(int64_t seconds)
{
    return clock_wall_us() / 1000000 + seconds;
}

#define GOOD_CLAIMS "{\"sub\":\"u1\",\"roles\":[\"seller\"],\"iss\":\"sijang\",\"exp\":$}"

static struct reply ask_with(const char *scheme, const char *token)
{
    return client_ask(port, "GET", "/me",
                      arena_print(&arena, "Authorization: %s%s\r\n", scheme, token), NULL);
}

static void assert_refused(const char *token, const char *code)
{
    /* Twice: what was refused must not be remembered as good. */
    for (int turn = 0; turn < 2; turn++) {
        struct reply reply = ask_with("Bearer ", token);
        assert_int_equal(reply.status, 401);
        assert_true(reply_has_header(&reply, "WWW-Authenticate", "Bearer"));
        assert_non_null(strstr(reply.body, arena_print(&arena, "\"code\":\"%s\"", code)));
    }
}

static void assert_let_in(const char *token, const char *expected)
{
    for (int turn = 0; turn < 2; turn++) {
        struct reply reply = ask_with("Bearer ", token);
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body, expected);
    }
}

static void a_signed_token_is_let_in_with_its_roles(void **unused)
{
    (void)unused;
    struct error error;
    char *token = web_token_sign(&auth_options, "user:1.a~b_c-D", 5, 60, &arena, &error);
    assert_non_null(token);
    assert_let_in(token, "user:1.a~b_c-D has 5");
    assert_int_equal(ask_with("bearer  ", token).status, 200);
}

static void an_expired_token_is_told_apart(void **unused)
{
    (void)unused;
    char *token = web_token_sign(&auth_options, "u1", 1, -1, &arena, NULL);
    assert_refused(token, "token_expired");
    assert_refused(token_with(JWT_ALG_HS256, SECRET, GOOD_CLAIMS, in_seconds(0)), "token_expired");
}

static void a_forged_signature_is_refused_even_when_the_true_token_is_remembered(void **unused)
{
    (void)unused;
    char *token = token_with(JWT_ALG_HS256, SECRET, GOOD_CLAIMS, in_seconds(60));
    assert_let_in(token, "u1 has 2");
    char *last_dot = strrchr(token, '.');
    last_dot[1] = last_dot[1] == 'A' ? 'B' : 'A';
    assert_refused(token, "unauthenticated");
    *last_dot = '\0';
    assert_refused(token, "unauthenticated");
    assert_refused(token_with(JWT_ALG_HS256, OTHER_SECRET, GOOD_CLAIMS, in_seconds(60)),
                   "unauthenticated");
    assert_refused(token_with(JWT_ALG_HS256, OTHER_SECRET, GOOD_CLAIMS, in_seconds(-60)),
                   "unauthenticated");
}

static void only_hs256_is_known_whatever_the_token_says(void **unused)
{
    (void)unused;
    static const jwt_alg_t algorithms[] = {JWT_ALG_NONE, JWT_ALG_HS384, JWT_ALG_HS512};
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        assert_refused(token_with(algorithms[i], SECRET, GOOD_CLAIMS, in_seconds(60)),
                       "unauthenticated");
}

static void claims_that_are_missing_or_odd_are_refused(void **unused)
{
    (void)unused;
    static const char *const claims[] = {
        "{\"sub\":\"u1\",\"roles\":[],\"iss\":\"elsewhere\",\"exp\":$}",
        "{\"sub\":\"u1\",\"roles\":[],\"iss\":7,\"exp\":$}",
        "{\"sub\":\"u1\",\"roles\":[],\"iat\":$}",
        "{\"sub\":\"u1\",\"roles\":[],\"exp\":\"$\"}",
        "{\"sub\":\"u1\",\"roles\":[],\"exp\":$.5}",
        "{\"sub\":\"u1\",\"roles\":[],\"exp\":99999999999,\"nbf\":$}",
        "{\"sub\":\"u1\",\"roles\":[],\"exp\":$,\"nbf\":\"0\"}",
        "{\"roles\":[],\"exp\":$}",
        "{\"sub\":\"\",\"roles\":[],\"exp\":$}",
        "{\"sub\":7,\"roles\":[],\"exp\":$}",
        "{\"sub\":\"a b\",\"roles\":[],\"exp\":$}",
        "{\"sub\":\"" TOO_LONG "\",\"roles\":[],\"exp\":$}",
        "{\"sub\":\"u1\",\"exp\":$}",
        "{\"sub\":\"u1\",\"roles\":\"admin\",\"exp\":$}",
        "{\"sub\":\"u1\",\"roles\":[1],\"exp\":$}",
    };
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
        assert_refused(token_with(JWT_ALG_HS256, SECRET, claims[i], in_seconds(60)),
                       "unauthenticated");
}

static void an_unknown_role_gives_nothing_and_a_missing_issuer_is_no_harm(void **unused)
{
    (void)unused;
    assert_let_in(token_with(JWT_ALG_HS256, SECRET,
                             "{\"sub\":\"u1\",\"roles\":[\"emperor\",\"customer\"],\"exp\":$}",
                             in_seconds(60)),
                  "u1 has 1");
    assert_let_in(token_with(JWT_ALG_HS256, SECRET,
                             "{\"sub\":\"u1\",\"roles\":[\"emperor\"],\"exp\":99999999999,"
                             "\"nbf\":$}",
                             in_seconds(-1)),
                  "u1 has 0");
}

static void what_is_no_bearer_token_is_refused(void **unused)
{
    (void)unused;
    static const char *const garbage[] = {
        "x",
        ".",
        "..",
        "...",
        "a.b.c",
        "eyJhbGciOiJIUzI1NiJ9..",
        "eyJhbGciOiJIUzI1NiJ9.e30.",
        "%00.%00.%00",
        "\xff\xfe.\x80.\x81",
    };
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
        assert_refused(garbage[i], "unauthenticated");
    assert_int_equal(client_ask(port, "GET", "/me", "", NULL).status, 401);
    char *token = token_with(JWT_ALG_HS256, SECRET, GOOD_CLAIMS, in_seconds(60));
    assert_int_equal(ask_with("Basic ", token).status, 401);
    assert_int_equal(ask_with("", token).status, 401);
    assert_int_equal(ask_with("Bearer", token).status, 401);
    char longer[5000];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_refused(longer, "unauthenticated");
}

static void more_tokens_than_are_remembered_are_let_in_all_the_same(void **unused)
{
    (void)unused;
    char *tokens[50];
    for (int i = 0; i < 50; i++)
        tokens[i] =
            web_token_sign(&auth_options, arena_print(&arena, "u%d", i), 1, 60, &arena, NULL);
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < 50; i++)
            assert_let_in(tokens[i], arena_print(&arena, "u%d has 1", i));
    }
}

static void a_remembered_token_expires_all_the_same(void **unused)
{
    (void)unused;
    char *token = web_token_sign(&auth_options, "u1", 1, 2, &arena, NULL);
    char *headers = arena_print(&arena, "Authorization: Bearer %s\r\n", token);
    int64_t deadline_us = clock_boot_us() + 10000000;
    struct reply reply = client_ask(port, "GET", "/me", headers, NULL);
    assert_int_equal(reply.status, 200);
    while (reply.status == 200 && clock_boot_us() < deadline_us)
        reply = client_ask(port, "GET", "/me", headers, NULL);
    assert_int_equal(reply.status, 401);
    assert_non_null(strstr(reply.body, "token_expired"));
}

static void a_short_secret_is_a_fault(void **unused)
{
    (void)unused;
    struct web_auth_options options = auth_options;
    options.secret = "0123456789abcdef0123456789abcde";
    struct error error;
    assert_null(web_auth_create(&options, &error));
    assert_int_equal(error.fault, FAULT_CONFIG_INVALID);
    assert_null(strstr(error.detail, options.secret));
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)
#define FORGETFUL(test)                                                                            \
    {                                                                                              \
#test " without memory", test, start_forgetful, stop, NULL                                 \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_signed_token_is_let_in_with_its_roles),
        FORGETFUL(a_signed_token_is_let_in_with_its_roles),
        SERVED(an_expired_token_is_told_apart),
        SERVED(a_forged_signature_is_refused_even_when_the_true_token_is_remembered),
        SERVED(only_hs256_is_known_whatever_the_token_says),
        SERVED(claims_that_are_missing_or_odd_are_refused),
        SERVED(an_unknown_role_gives_nothing_and_a_missing_issuer_is_no_harm),
        SERVED(what_is_no_bearer_token_is_refused),
        SERVED(more_tokens_than_are_remembered_are_let_in_all_the_same),
        SERVED(a_remembered_token_expires_all_the_same),
        cmocka_unit_test(a_short_secret_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
