/* command-svc: takes commands over HTTP, decides them, and answers once the log has the outcome. */
#include "command-svc/accept.h"
#include "command-svc/config.h"
#include "command-svc/courier.h"
#include "command-svc/deployment.h"
#include "command-svc/errand_accept.h"
#include "command-svc/forward.h"
#include "command-svc/history_accept.h"
#include "command-svc/metrics.h"
#include "command-svc/parked_accept.h"
#include "command-svc/reaction_mirror.h"
#include "command-svc/reaction_order.h"
#include "command-svc/readiness.h"
#include "command-svc/routes.h"
#include "command-svc/service.h"
#include "command-svc/shard_thread.h"
#include "lib/core/clock.h"
#include "lib/core/logger.h"
#include "lib/core/shutdown.h"
#include "lib/web/probes.h"
#include "schemas/roles.h"
#include <stdlib.h>
#include <time.h>

#define STOP_TIMEOUT_MS  5000
#define SAY_TIMEOUT_MS   500
#define HAND_OVER_US_MAX 5000000
#define ARENA_BYTES_MAX  (1024 * 1024)
#define LANES_BYTES_MAX  (4 * 1024 * 1024)

static struct readiness sum_up(const struct service *service, struct buffer *lanes)
{
    struct readiness readiness = {.lanes = lanes};

    for (int64_t i = 0; i < service->config->shards; i++)
        shard_add_readiness(service->shards[i].shard, &readiness);
    return readiness;
}

static bool ready(void *self, struct buffer *out)
{
    const struct service *service = self;
    struct buffer CLEANUP(buffer_done) lanes;

    buffer_init(&lanes, LANES_BYTES_MAX);
    struct readiness readiness = sum_up(service, &lanes);
    bool usable = readiness_write(&readiness, out);
    return deployment_write_refusals(service->deployment, out) && usable &&
           !atomic_load(&service->leaving);
}

static void finished(void *user, const struct web_request *request, int status, int64_t duration_us)
{
    (void)user, (void)request, (void)status;
    metric_observe_us(&metric_command_duration, duration_us);
}

/* For reactions, from any shard's thread. */
static bool deliver(void *self, struct call *call, int32_t partition, int context)
{
    struct service *service = self;

    if (!atomic_load(&service->running))
        return false;
    call->partition = partition;
    call->context = context;
    if (courier_is_for(service->courier, call))
        return courier_take(service->courier, call);
    return hosting_find(&service->hosting, context) >= 0 &&
           shard_submit(service->shards[partition % service->config->shards].shard, call, partition,
                        context);
}

static void changed(void *user)
{
    const struct service *service = user;

    for (int64_t i = 0; i < service->config->shards; i++)
        shard_look(service->shards[i].shard);
    forward_wake(service->forward);
}

static bool join_deployment(struct service *service, struct error *error)
{
    struct deployment_options options = {
        .config = service->config,
        .hosting = &service->hosting,
        .incarnation = service->incarnation,
        .changed = changed,
        .user = service,
    };

    service->deployment = deployment_create(&options, error);
    return service->deployment != NULL;
}

static void derive_request_key(struct service *service)
{
    const struct command_config *config = service->config;
    const char *own = config->request_secret.reveal;

    request_hash_key_derive(own[0] != '\0' ? own : config->token_secret.reveal,
                            &service->request_hash_key);
}

static bool start_forwarding(struct service *service, struct error *error)
{
    derive_request_key(service);
    forwarded_key_derive(service->config->token_secret.reveal, &service->forwarded_key);
    struct forward_options options = {
        .owners = deployment_ownership(service->deployment)->owners,
        .incarnation = service->incarnation,
        .key = service->forwarded_key,
        .calls_max = (size_t)service->config->calls_max,
        .keep = accept_again,
        .user = service,
    };

    struct courier_options courier = {
        .owners = options.owners,
        .incarnation = options.incarnation,
        .key = options.key,
        .calls_max = options.calls_max,
    };

    service->forward = forward_start(&options, error);
    if (service->forward == NULL)
        return false;
    service->courier = courier_start(&courier, error);
    atomic_store(&service->running, service->courier != NULL);
    return service->courier != NULL;
}

static bool start_shards(struct service *service, struct error *error)
{
    struct shard_options options = {
        .config = service->config,
        .deliver = deliver,
        .deliver_self = service,
        .incarnation = service->incarnation,
        .ownership = deployment_ownership(service->deployment),
        .mirror = service->mirror,
        .hosting = &service->hosting,
    };

    service->shards = calloc((size_t)service->config->shards, sizeof(*service->shards));
    for (int i = 0; service->shards != NULL && i < service->config->shards; i++) {
        options.number = i;
        if (!shard_thread_start(&service->shards[i], &options, error))
            return false;
    }
    return service->shards != NULL || error_set(error, FAULT_OUT_OF_MEMORY, "starting shards");
}

static struct web_server *start_server(struct service *service, struct error *error)
{
    const struct command_config *config = service->config;
    const struct web_route *routes[] = {
        routes_of_commands(), history_routes,   errand_routes, reaction_routes,
        parked_routes,        web_probe_routes, NULL};
    struct web_server_options options = {
        .address = config->address,
        .port = (int)config->port,
        .socket = config->socket,
        .threads = (int)config->http_threads,
        .connections_max = (int)config->connections_max,
        .idle_timeout_s = 60,
        .body_bytes_max = (size_t)config->body_bytes_max,
        .arena_bytes_max = ARENA_BYTES_MAX,
        .routes = routes,
        .user = service,
        .request_timeout_us = config->request_timeout_ms * 1000,
        .finished = finished,
    };

    return web_server_start(&options, error);
}

/* The others take over what is served here; until then it goes on. Requests still come in for a
 * while, and are forwarded. */
static void hand_over(struct service *service)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    int64_t begun_boot_us = clock_boot_us(), passed_us = 0;
    struct readiness readiness;

    atomic_store(&service->leaving, true);
    if (!deployment_leave(service->deployment))
        return;
    do {
        nanosleep(&pause, NULL);
        readiness = sum_up(service, NULL);
        passed_us = clock_boot_us() - begun_boot_us;
    } while ((readiness.serving > 0 && passed_us < HAND_OVER_US_MAX) ||
             passed_us < service->config->leave_ms * 1000);
    log_info("handed_over", LOG_NUMBER("still_serving", readiness.serving),
             LOG_NUMBER("after_us", passed_us));
}

static int run(const struct command_config *config)
{
    struct service service = {.config = config, .incarnation = uuid_v7()};
    struct web_probes probes = {.metrics = command_metrics, .ready = ready, .self = &service};
    struct web_auth_options auth = {config->token_secret.reveal, config->token_issuer, role_names,
                                    .remembered_max = 10000};
    struct web_server *server = NULL;
    struct error error = {0};

    contexts_check();
    web_probes_set(&probes);
    service.auth = web_auth_create(&auth, &error);
    bool started = service.auth != NULL &&
                   hosting_read(config->contexts, &service.hosting, &error) &&
                   join_deployment(&service, &error) &&
                   (service.mirror = reaction_mirror_start(config, &error)) != NULL &&
                   start_shards(&service, &error) && start_forwarding(&service, &error) &&
                   (server = start_server(&service, &error)) != NULL &&
                   deployment_start(service.deployment, &error);
    if (started) {
        log_info("started", LOG_NUMBER("port", web_server_port(server)));
        shutdown_wait(-1);
        log_info("stopping", LOG_NONE);
        hand_over(&service);
        web_server_drain(server);
    } else {
        log_error("start_failed", LOG_ERROR(&error));
    }
    for (int64_t i = 0; service.shards != NULL && i < config->shards; i++)
        shard_thread_stop(&service.shards[i], STOP_TIMEOUT_MS);
    courier_stop(service.courier);
    forward_stop(service.forward, STOP_TIMEOUT_MS);
    web_server_stop(server, STOP_TIMEOUT_MS);
    deployment_stop(service.deployment, SAY_TIMEOUT_MS);
    for (int64_t i = 0; service.shards != NULL && i < config->shards; i++)
        shard_thread_done(&service.shards[i]);
    free(service.shards);
    courier_destroy(service.courier);
    forward_destroy(service.forward);
    deployment_destroy(service.deployment);
    reaction_mirror_stop(service.mirror);
    web_auth_destroy(service.auth);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct command_config config;

    switch (config_from_main(argc, argv, &command_program, &config)) {
    case CONFIG_EXIT_OK: return EXIT_SUCCESS;
    case CONFIG_EXIT_FAILED: return EXIT_FAILURE;
    case CONFIG_RUN: break;
    }
    shutdown_prepare();
    request_hash_prepare();
    logger_start("command-svc", LOGGER_INFO);
    return run(&config);
}
