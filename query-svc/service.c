/* Starting and stopping, in order and in reverse. */
#include "query-svc/service.h"
#include "lib/web/probes.h"
#include "query-svc/contexts.h"
#include "query-svc/query_metrics.h"
#include "query-svc/registry.h"
#include "query-svc/views_list.h"
#include "schemas/roles.h"

#define ARENA_BYTES_MAX     ((size_t)4 * 1024 * 1024)
#define RENDERING_BYTES_MAX ((size_t)2 * 1024 * 1024)
#define BODY_BYTES_MAX      1024
#define IDLE_TIMEOUT_S      60
#define TOKENS_REMEMBERED   10000

static struct web_auth *create_auth(const struct query_config *config, struct error *error)
{
    const struct web_auth_options options = {config->token_secret.reveal, config->token_issuer,
                                             role_names, .remembered_max = TOKENS_REMEMBERED};

    return web_auth_create(&options, error);
}

static const char *const line_names[QUESTION_KIND_COUNT] = {
    [QUESTION_ROW] = "query-svc rows",
    [QUESTION_LIST] = "query-svc lists",
};

static bool start_line(struct question_line *line, const struct query_config *config,
                       enum question_kind kind, struct error *error)
{
    int64_t connections =
        kind == QUESTION_LIST ? config->list_connections : config->database_connections;
    const struct db_pipeline_options options = {
        .connection = {.conninfo = config->database.reveal,
                       .application_name = line_names[kind],
                       .timeout_ms = (int)config->statement_timeout_ms,
                       .statements = contexts_statements()},
        .connections = (int)connections,
        .waiting_max = (size_t)config->questions_max,
        .in_flight_max = (size_t)config->in_flight_max,
    };

    buffer_init(&line->rendering, RENDERING_BYTES_MAX);
    line->pipeline = db_pipeline_start(&options, error);
    return line->pipeline != NULL;
}

bool service_connected(const struct query_service *service)
{
    for (size_t i = 0; i < QUESTION_KIND_COUNT; i++)
        if (!db_pipeline_connected(service->lines[i].pipeline))
            return false;
    return true;
}

void service_trouble(struct query_service *service, struct error *ret_trouble)
{
    *ret_trouble = (struct error){0};
    for (size_t i = 0; i < QUESTION_KIND_COUNT && ret_trouble->fault == FAULT_NONE; i++)
        if (!db_pipeline_connected(service->lines[i].pipeline))
            db_pipeline_trouble(service->lines[i].pipeline, ret_trouble);
}

static struct views *start_views(const struct query_config *config, struct error *error)
{
    const struct views_options options = {
        .conninfo = config->database.reveal,
        .views = contexts_views(),
        .statements = contexts_positions(),
        .partitions = (int32_t)config->partitions,
        .waiters_max = (size_t)config->waiters_max,
        .timeout_ms = (int)config->statement_timeout_ms,
    };

    return views_start(&options, error);
}

bool service_start(struct query_service *service, const struct query_config *config,
                   struct error *error)
{
    *service = (struct query_service){.config = config};
    if (!db_check_single(config->database.reveal, error))
        return false;
    service->auth = create_auth(config, error);
    if (service->auth == NULL)
        return false;
    for (enum question_kind kind = 0; kind < QUESTION_KIND_COUNT; kind++)
        if (!start_line(&service->lines[kind], config, kind, error))
            return false;
    service->views = start_views(config, error);
    if (service->views == NULL)
        return false;
    const struct live_options live = {service->views, (size_t)config->streams_max};
    service->live = live_start(&live, error);
    return service->live != NULL;
}

void service_stop(struct query_service *service)
{
    service->live = live_stop(service->live);
    service->views = views_stop(service->views);
    for (size_t i = 0; i < QUESTION_KIND_COUNT; i++) {
        service->lines[i].pipeline = db_pipeline_stop(service->lines[i].pipeline);
        buffer_done(&service->lines[i].rendering);
    }
    service->auth = web_auth_destroy(service->auth);
}

static void finished(void *user, const struct web_request *request, int status, int64_t duration_us)
{
    (void)user, (void)request;
    query_metrics_answered(status, duration_us);
}

struct web_server *service_listen(struct query_service *service, struct error *error)
{
    const struct query_config *config = service->config;
    const struct web_route *routes[] = {contexts_routes(), registry_routes, views_list_routes,
                                        web_probe_routes, NULL};
    const struct web_server_options options = {
        .address = config->address,
        .port = (int)config->port,
        .socket = config->socket,
        .threads = (int)config->http_threads,
        .connections_max = (int)config->connections_max,
        .idle_timeout_s = IDLE_TIMEOUT_S,
        .body_bytes_max = BODY_BYTES_MAX,
        .arena_bytes_max = ARENA_BYTES_MAX,
        .routes = routes,
        .user = service,
        .request_timeout_us = config->request_timeout_ms * 1000,
        .finished = finished,
    };

    return web_server_start(&options, error);
}
