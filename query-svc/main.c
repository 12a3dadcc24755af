/* query-svc: answers questions from the views, and knows how far they are. */
#include "lib/core/logger.h"
#include "lib/core/shutdown.h"
#include "lib/web/probes.h"
#include "query-svc/contexts.h"
#include "query-svc/health.h"
#include "query-svc/query_metrics.h"
#include "query-svc/registry.h"
#include "query-svc/service.h"
#include "schemas/roles.h"
#include <stdlib.h>

#define STOP_TIMEOUT_MS     5000
#define ARENA_BYTES_MAX     ((size_t)4 * 1024 * 1024)
#define RENDERING_BYTES_MAX ((size_t)2 * 1024 * 1024)

static bool start_reading(struct query_service *service, struct error *error)
{
    const struct query_config *config = service->config;
    const struct views_options views = {
        .conninfo = config->database.reveal,
        .views = contexts_views(),
        .statements = contexts_positions(),
        .partitions = (int32_t)config->partitions,
        .waiters_max = (size_t)config->waiters_max,
        .timeout_ms = (int)config->statement_timeout_ms,
    };
    const struct db_pipeline_options pipeline = {
        .connection = {.conninfo = config->database.reveal,
                       .application_name = "query-svc questions",
                       .timeout_ms = (int)config->statement_timeout_ms,
                       .statements = contexts_statements()},
        .connections = (int)config->database_connections,
        .waiting_max = (size_t)config->questions_max,
        .in_flight_max = (size_t)config->in_flight_max,
    };

    service->pipeline = db_pipeline_start(&pipeline, error);
    if (service->pipeline == NULL)
        return false;
    service->views = views_start(&views, error);
    return service->views != NULL;
}

static void finished(void *user, const struct web_request *request, int status, int64_t duration_us)
{
    (void)user, (void)request;
    query_metrics_answered(status, duration_us);
}

static struct web_server *start_server(struct query_service *service, struct error *error)
{
    const struct query_config *config = service->config;
    const struct web_route *routes[] = {contexts_routes(), registry_routes, web_probe_routes, NULL};
    const struct web_server_options options = {
        .address = config->address,
        .port = (int)config->port,
        .threads = (int)config->http_threads,
        .connections_max = (int)config->connections_max,
        .idle_timeout_s = 60,
        .body_bytes_max = 1024,
        .arena_bytes_max = ARENA_BYTES_MAX,
        .routes = routes,
        .user = service,
        .request_timeout_us = config->request_timeout_ms * 1000,
        .finished = finished,
    };

    return web_server_start(&options, error);
}

static int run(const struct query_config *config)
{
    struct query_service service = {.config = config};
    const struct web_probes probes = {query_metrics(contexts_views()), health_ready, &service};
    const struct web_auth_options auth = {config->token_secret.reveal, config->token_issuer,
                                          role_names, .remembered_max = 10000};
    struct web_server *server = NULL;
    struct error error = {0};
    bool started;

    buffer_init(&service.rendering, RENDERING_BYTES_MAX);
    web_probes_set(&probes);
    service.auth = web_auth_create(&auth, &error);
    started = service.auth != NULL && start_reading(&service, &error) &&
              (server = start_server(&service, &error)) != NULL;
    if (started) {
        log_info("started", LOG_NUMBER("port", web_server_port(server)));
        health_watch(&service);
        log_info("stopping", LOG_NONE);
        web_server_drain(server);
    } else {
        log_error("start_failed", LOG_ERROR(&error));
    }
    views_stop(service.views);
    db_pipeline_stop(service.pipeline);
    web_server_stop(server, STOP_TIMEOUT_MS);
    web_auth_destroy(service.auth);
    buffer_done(&service.rendering);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct query_config config;

    switch (config_from_main(argc, argv, "query-svc", query_config_table, &config)) {
    case CONFIG_EXIT_OK: return EXIT_SUCCESS;
    case CONFIG_EXIT_FAILED: return EXIT_FAILURE;
    case CONFIG_RUN: break;
    }
    shutdown_prepare();
    logger_start("query-svc", LOGGER_INFO);
    return run(&config);
}
