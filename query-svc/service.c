/* Starting and stopping, in order and in reverse. */
#include "query-svc/service.h"
#include "lib/web/probes.h"
#include "query-svc/contexts.h"
#include "query-svc/query_metrics.h"
#include "query-svc/registry.h"
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

static struct db_pipeline *start_pipeline(const struct query_config *config, struct error *error)
{
    const struct db_pipeline_options options = {
        .connection = {.conninfo = config->database.reveal,
                       .application_name = "query-svc questions",
                       .timeout_ms = (int)config->statement_timeout_ms,
                       .statements = contexts_statements()},
        .connections = (int)config->database_connections,
        .waiting_max = (size_t)config->questions_max,
        .in_flight_max = (size_t)config->in_flight_max,
    };

    return db_pipeline_start(&options, error);
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
    buffer_init(&service->rendering, RENDERING_BYTES_MAX);
    service->auth = create_auth(config, error);
    if (service->auth == NULL)
        return false;
    service->pipeline = start_pipeline(config, error);
    if (service->pipeline == NULL)
        return false;
    service->views = start_views(config, error);
    return service->views != NULL;
}

void service_stop(struct query_service *service)
{
    service->views = views_stop(service->views);
    service->pipeline = db_pipeline_stop(service->pipeline);
    service->auth = web_auth_destroy(service->auth);
    buffer_done(&service->rendering);
}

static void finished(void *user, const struct web_request *request, int status, int64_t duration_us)
{
    (void)user, (void)request;
    query_metrics_answered(status, duration_us);
}

struct web_server *service_listen(struct query_service *service, struct error *error)
{
    const struct query_config *config = service->config;
    const struct web_route *routes[] = {contexts_routes(), registry_routes, web_probe_routes, NULL};
    const struct web_server_options options = {
        .address = config->address,
        .port = (int)config->port,
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
