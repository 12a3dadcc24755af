/* Paths to routes, without a server. */
#include "lib/web/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct web_route accounts[] = {
    {.method = "GET", .path = "/v1/accounts/me"},
    {.method = "GET", .path = "/v1/accounts/{id}"},
    {.method = "PUT", .path = "/v1/accounts/{account_id}"},
    {.method = "PUT", .path = "/v1/accounts/{id}/roles/{role}"},
    {.method = "GET", .path = "/v1/accounts/me/overview"},
    {0},
};
static const struct web_route others[] = {
    {.method = "POST", .path = "/v1/products"},
    {.method = "GET", .path = "/"},
    {0},
};
static const struct web_route *const tables[] = {accounts, others, NULL};

struct world {
    struct router router;
    struct arena arena;
    struct route_match match;
};

static int open_world(void **state)
{
    static struct world world;
    arena_init(&world.arena, 65536);
    *state = &world;
    return router_init(&world.router, tables, NULL) ? 0 : -1;
}

static int close_world(void **state)
{
    struct world *world = *state;
    arena_done(&world->arena);
    router_done(&world->router);
    return 0;
}

static const struct web_route *found(struct world *world, const char *method, const char *path)
{
    assert_null(router_match(&world->router, method, path, &world->arena, &world->match));
    return world->match.route;
}

static void a_literal_wins_over_a_parameter(void **state)
{
    assert_ptr_equal(found(*state, "GET", "/v1/accounts/me"), &accounts[0]);
    assert_ptr_equal(found(*state, "GET", "/v1/accounts/7"), &accounts[1]);
    assert_ptr_equal(found(*state, "GET", "/"), &others[1]);
}

static void a_parameter_takes_over_where_the_literal_leads_nowhere(void **state)
{
    struct world *world = *state;
    assert_ptr_equal(found(world, "PUT", "/v1/accounts/me"), &accounts[2]);
    assert_true(text_is(route_match_param(&world->match, "account_id"), "me"));
    assert_ptr_equal(found(world, "PUT", "/v1/accounts/me/roles/seller"), &accounts[3]);
    assert_true(text_is(route_match_param(&world->match, "id"), "me"));
    assert_true(text_is(route_match_param(&world->match, "role"), "seller"));
    assert_null(route_match_param(&world->match, "rol").bytes);
    assert_null(route_match_param(&world->match, "account_id").bytes);
}

static void head_finds_what_get_finds(void **state)
{
    assert_ptr_equal(found(*state, "HEAD", "/v1/accounts/me"), &accounts[0]);
    assert_null(found(*state, "HEAD", "/v1/products"));
}

static void another_method_learns_what_is_allowed(void **state)
{
    struct world *world = *state;
    assert_null(found(world, "DELETE", "/v1/accounts/me"));
    assert_string_equal(router_allow(world->match.allowed, &world->arena), "GET, HEAD, PUT");
    assert_null(found(world, "BREW", "/v1/products"));
    assert_string_equal(router_allow(world->match.allowed, &world->arena), "POST");
}

static void what_is_not_there_allows_nothing(void **state)
{
    static const char *const paths[] = {
        "",
        "*",
        "/v1",
        "/v1/accounts",
        "/v1/accounts/",
        "/v1//accounts/me",
        "//v1/accounts/me",
        "/v1/accounts/me/",
        "/v1/products/7",
        "/v1/accounts/{id}/roles",
        "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a",
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_null(found(world, "GET", paths[i]));
        assert_int_equal(world->match.allowed, 0);
    }
}

static void segments_are_decoded_after_they_are_split(void **state)
{
    struct world *world = *state;
    assert_ptr_equal(found(world, "GET", "/v1/acc%6Funts/a%2Fb%20%ec%8b%9c"), &accounts[1]);
    assert_true(text_is(route_match_param(&world->match, "id"), "a/b 시"));
    assert_ptr_equal(found(world, "GET", "/v1/accounts/m%65"), &accounts[0]);
}

static void bad_escapes_and_bytes_that_are_no_utf8_are_malformed(void **state)
{
    static const char *const paths[] = {
        "/v1/accounts/%",   "/v1/accounts/%4",        "/v1/accounts/%zz",
        "/v1/accounts/%00", "/v1/accounts/%ff",       "/v1/accounts/\xff",
        "/%c0%80",          "/v1/accounts/%ed%a0%80", "/v1/accounts/%-1x",
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_ptr_equal(
            router_match(&world->router, "GET", paths[i], &world->arena, &world->match),
            &problem_malformed_request);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_literal_wins_over_a_parameter),
        IN_WORLD(a_parameter_takes_over_where_the_literal_leads_nowhere),
        IN_WORLD(head_finds_what_get_finds),
        IN_WORLD(another_method_learns_what_is_allowed),
        IN_WORLD(what_is_not_there_allows_nothing),
        IN_WORLD(segments_are_decoded_after_they_are_split),
        IN_WORLD(bad_escapes_and_bytes_that_are_no_utf8_are_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
