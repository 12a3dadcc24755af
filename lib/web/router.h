/* Paths to routes: a tree of segments, built once, read by all HTTP threads. A literal segment wins
 * over a parameter; a path whose literal branch does not know the method may still match the other
 * one. */
#pragma once

#include "lib/core/arena.h"
#include "lib/web/server.h"

struct router_node;

struct router {
    struct arena arena;
    struct router_node *root;
};

struct route_match {
    const struct web_route *route; /* NULL: none */
    struct text params[WEB_PARAMS_MAX];
    size_t param_count;
    unsigned allowed; /* methods known on this path, for router_allow */
};

/* The tables are borrowed. Two routes of the same method and path, or a path out of form, are bugs.
 */
MUST_CHECK bool router_init(struct router *router, const struct web_route *const *tables,
                            struct error *error);
void router_done(struct router *router);

/* NULL unless the path is malformed or memory ran out; .route is NULL if nothing matched.
 * Parameters borrow from `path` or lie in the arena. */
MUST_CHECK const struct problem *router_match(const struct router *router, const char *method,
                                              const char *path, struct arena *arena,
                                              struct route_match *ret_match);
/* The value of an Allow header, "GET, HEAD, PUT"; NULL if memory ran out. */
MUST_CHECK char *router_allow(unsigned allowed, struct arena *arena);
/* Absent if the route has no parameter of this name. */
struct text route_match_param(const struct route_match *match, const char *name);
