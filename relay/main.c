/* relay: copies what counts in every context's topic to its public one, each commit whole and
 * once. */
#include "lib/core/logger.h"
#include "lib/core/shutdown.h"
#include "lib/web/probes.h"
#include "relay/config.h"
#include "relay/relay.h"
#include <stdlib.h>

#define STOP_TIMEOUT_MS 2000

static struct web_server *listen_for_probes(const struct relay_config *config, struct relay *relay,
                                            struct error *error)
{
    static const struct web_route *const routes[] = {web_probe_routes, NULL};
    static struct web_probes probes;
    const struct web_server_options options = {
        .address = config->address,
        .port = (int)config->port,
        .threads = 1,
        .connections_max = 16,
        .idle_timeout_s = 30,
        .body_bytes_max = 1024,
        .arena_bytes_max = 1024 * 1024,
        .routes = routes,
        .request_timeout_us = 5000000,
    };

    probes =
        (struct web_probes){.metrics = relay_metrics(relay), .ready = relay_ready, .self = relay};
    web_probes_set(&probes);
    return web_server_start(&options, error);
}

/* False: it could not be started. */
static bool serve(const struct relay_config *config, struct error *error)
{
    struct relay *relay = relay_create(config, error);
    struct web_server *server = NULL;

    if (relay != NULL)
        server = listen_for_probes(config, relay, error);
    bool started = server != NULL && relay_start(relay, error);
    if (started) {
        log_info("relay_started", LOG_NUMBER("port", web_server_port(server)));
        (void)shutdown_wait(-1);
    }
    if (server != NULL)
        (void)web_server_stop(server, STOP_TIMEOUT_MS);
    relay_destroy(relay);
    return started;
}

static const struct config_program program = {.name = "relay", .table = relay_config_table};

int main(int argc, char **argv)
{
    struct relay_config config;
    struct error error = {0};

    shutdown_prepare();
    switch (config_from_main(argc, argv, &program, &config)) {
    case CONFIG_EXIT_OK: return EXIT_SUCCESS;
    case CONFIG_EXIT_FAILED: return EXIT_FAILURE;
    case CONFIG_RUN: break;
    }
    logger_start("relay", LOGGER_INFO);
    bool served = serve(&config, &error);
    if (!served)
        log_error("relay_not_started", LOG_ERROR(&error));
    log_info("relay_stopped", LOG_NUMBER("fine", served));
    return served ? EXIT_SUCCESS : EXIT_FAILURE;
}
