/* Building and walking the tree of segments. */
#include "lib/web/router.h"

#include "lib/web/percent.h"

#include <assert.h>
#include <string.h>

#define SEGMENTS_MAX    16
#define ROUTER_SIZE_MAX (1024 * 1024)
#define ALLOW_SIZE_MAX  64

enum method { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, METHOD_COUNT };

static const char *const method_names[METHOD_COUNT] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
};

struct router_node {
    struct text literal; /* of the segment that leads here */
    struct router_node *next;
    struct router_node *children;
    struct router_node *parameter;
    const struct web_route *routes[METHOD_COUNT];
};

struct walk {
    struct text segments[SEGMENTS_MAX];
    size_t segment_count;
    enum method method;
    struct route_match *match;
};

static enum method method_of(const char *name)
{
    enum method method = 0;
    while (method < METHOD_COUNT && strcmp(method_names[method], name) != 0)
        method++;
    return method;
}

/* False when there are too many, which no route has. "/" is one empty segment. */
static bool split(const char *path, struct text *segments, size_t *ret_count)
{
    size_t count = 0;
    const char *at = path;
    while (*at == '/') {
        if (count == SEGMENTS_MAX)
            return false;
        at++;
        size_t size = strcspn(at, "/");
        segments[count++] = (struct text){.bytes = at, .size = size};
        at += size;
    }
    *ret_count = count;
    return *at == '\0' && count > 0;
}

static bool is_parameter(struct text segment)
{
    return segment.size > 2 && segment.bytes[0] == '{' && segment.bytes[segment.size - 1] == '}';
}

static struct router_node *step_for(struct router_node *node, struct text segment)
{
    if (is_parameter(segment))
        return node->parameter;
    struct router_node *child = node->children;
    while (child != NULL && !text_equal(child->literal, segment))
        child = child->next;
    return child;
}

static struct router_node *add_step(struct router *router, struct router_node *node,
                                    struct text segment)
{
    struct router_node *step = arena_alloc_zeroed(&router->arena, sizeof(*step));
    if (step == NULL)
        return NULL;
    if (is_parameter(segment)) {
        node->parameter = step;
        return step;
    }
    step->literal = segment;
    step->next = node->children;
    node->children = step;
    return step;
}

static bool add_route(struct router *router, const struct web_route *route)
{
    struct text segments[SEGMENTS_MAX];
    size_t count;
    bool well_formed = split(route->path, segments, &count);
    assert(well_formed);
    size_t parameters = 0;
    struct router_node *node = router->root;
    for (size_t i = 0; i < count; i++) {
        parameters += is_parameter(segments[i]) ? 1 : 0;
        struct router_node *step = step_for(node, segments[i]);
        node = step != NULL ? step : add_step(router, node, segments[i]);
        if (node == NULL)
            return false;
    }
    enum method method = method_of(route->method);
    assert(parameters <= WEB_PARAMS_MAX && method < METHOD_COUNT);
    assert(node->routes[method] == NULL);
    node->routes[method] = route;
    return true;
}

bool router_init(struct router *router, const struct web_route *const *tables, struct error *error)
{
    arena_init(&router->arena, ROUTER_SIZE_MAX);
    router->root = arena_alloc_zeroed(&router->arena, sizeof(*router->root));
    bool built = router->root != NULL;
    for (const struct web_route *const *table = tables; built && *table != NULL; table++) {
        for (const struct web_route *route = *table; built && route->method != NULL; route++)
            built = add_route(router, route);
    }
    if (built)
        return true;
    router_done(router);
    return error_set(error, FAULT_OUT_OF_MEMORY, "route table");
}

void router_done(struct router *router)
{
    arena_done(&router->arena);
    router->root = NULL;
}

static bool arrive(const struct router_node *node, struct walk *walk)
{
    for (unsigned method = 0; method < METHOD_COUNT; method++) {
        if (node->routes[method] != NULL)
            walk->match->allowed |= 1U << method;
    }
    /* HEAD is GET without the body, unless a route says otherwise. */
    const struct web_route *route = node->routes[walk->method];
    if (route == NULL && walk->method == HEAD)
        route = node->routes[GET];
    walk->match->route = route;
    return route != NULL;
}

/* As deep as a path has segments. */
static bool walk_from(const struct router_node *node, struct walk *walk, size_t depth)
{
    if (depth == walk->segment_count)
        return arrive(node, walk);
    struct text segment = walk->segments[depth];
    for (const struct router_node *child = node->children; child != NULL; child = child->next) {
        if (text_equal(child->literal, segment) && walk_from(child, walk, depth + 1))
            return true;
    }
    struct route_match *match = walk->match;
    if (node->parameter == NULL || segment.size == 0 || match->param_count == WEB_PARAMS_MAX)
        return false;
    match->params[match->param_count++] = segment;
    if (walk_from(node->parameter, walk, depth + 1))
        return true;
    match->param_count--;
    return false;
}

const struct problem *router_match(const struct router *router, const char *method,
                                   const char *path, struct arena *arena,
                                   struct route_match *ret_match)
{
    *ret_match = (struct route_match){0};
    struct walk walk = {.method = method_of(method), .match = ret_match};
    if (!split(path, walk.segments, &walk.segment_count))
        return NULL;
    for (size_t i = 0; i < walk.segment_count; i++) {
        const struct problem *problem = percent_decode(walk.segments[i], arena, &walk.segments[i]);
        if (problem != NULL)
            return problem;
    }
    if (walk.method == METHOD_COUNT) {
        /* Known to no route; OPTIONS stands in to learn what the path allows. */
        walk.method = OPTIONS;
        (void)walk_from(router->root, &walk, 0);
        ret_match->route = NULL;
        return NULL;
    }
    (void)walk_from(router->root, &walk, 0);
    return NULL;
}

char *router_allow(unsigned allowed, struct arena *arena)
{
    char *list = arena_alloc(arena, ALLOW_SIZE_MAX);
    if (list == NULL)
        return NULL;
    if ((allowed & 1U << GET) != 0)
        allowed |= 1U << HEAD;
    char *at = list;
    for (unsigned method = 0; method < METHOD_COUNT; method++) {
        if ((allowed & 1U << method) == 0)
            continue;
        if (at != list)
            at = stpcpy(at, ", ");
        at = stpcpy(at, method_names[method]);
    }
    *at = '\0';
    return list;
}

struct text route_match_param(const struct route_match *match, const char *name)
{
    size_t size = strlen(name);
    const char *at = strchr(match->route->path, '{');
    for (size_t i = 0; i < match->param_count && at != NULL; i++) {
        if (strncmp(at + 1, name, size) == 0 && at[1 + size] == '}')
            return match->params[i];
        at = strchr(at + 1, '{');
    }
    return (struct text){0};
}
