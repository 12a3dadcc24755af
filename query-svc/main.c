/* query-svc: answers questions from the views, and knows how far they are. */
#include "lib/core/logger.h"
#include "lib/core/shutdown.h"
#include "lib/web/probes.h"
#include "query-svc/contexts.h"
#include "query-svc/health.h"
#include "query-svc/query_metrics.h"
#include "query-svc/service.h"
#include <stdlib.h>

#define STOP_TIMEOUT_MS 1000

static int run(const struct query_config *config)
{
    struct query_service service;
    const struct web_probes probes = {query_metrics(contexts_views()), health_ready, &service};
    struct web_server *server = NULL;
    struct error error = {0};

    web_probes_set(&probes);
    if (service_start(&service, config, &error))
        server = service_listen(&service, &error);
    if (server == NULL) {
        log_error("start_failed", LOG_ERROR(&error));
        service_stop(&service);
        return EXIT_FAILURE;
    }
    log_info("started", LOG_NUMBER("port", web_server_port(server)));
    health_watch(&service);
    log_info("stopping", LOG_NONE);
    web_server_drain(server);
    live_end(service.live);
    views_end_waiting(service.views);
    /* Requests under way still ask the database, and are answered by their deadline. */
    web_server_stop(server, (int)config->request_timeout_ms + STOP_TIMEOUT_MS);
    service_stop(&service);
    return EXIT_SUCCESS;
}

static const struct config_program program = {.name = "query-svc", .table = query_config_table};

int main(int argc, char **argv)
{
    struct query_config config;

    switch (config_from_main(argc, argv, &program, &config)) {
    case CONFIG_EXIT_OK: return EXIT_SUCCESS;
    case CONFIG_EXIT_FAILED: return EXIT_FAILURE;
    case CONFIG_RUN: break;
    }
    shutdown_prepare();
    logger_start("query-svc", LOGGER_INFO);
    return run(&config);
}
