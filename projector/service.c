/* What main puts together. */
#include "projector/service.h"

#include "lib/core/clock.h"
#include "lib/core/id.h"
#include "lib/core/logger.h"
#include "projector/revisions.h"
#include "projector/views.h"
#include <stdlib.h>
#include <string.h>

#define STOP_TIMEOUT_MS   2000
#define METRICS_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* Of a view's revisions the live one; as long as none is known, the first, which is not ready. */
static bool is_told(const struct service *service, size_t at)
{
    const struct projection *one = service->projections[at];
    enum projection_role role = atomic_load(&one->role);
    bool first = true;
    for (size_t i = 0; i < at; i++)
        first = first && strcmp(service->projections[i]->view->name, one->view->name) != 0;
    return role == ROLE_LIVE || (role == ROLE_UNKNOWN && first);
}

static bool ready(void *self, struct buffer *out)
{
    const struct service *service = self;
    bool all = true;
    const char *separator = "";
    int64_t now_boot_us = clock_boot_us();
    buffer_put_string(out, "\"views\":{");
    for (size_t i = 0; i < service->view_count; i++) {
        struct health_report report;
        if (!is_told(service, i))
            continue;
        health_read(&service->projections[i]->health, &report);
        bool one = health_is_ready(&report, now_boot_us, service->config.lag_events_max);
        buffer_print(out, "%s\"%s\":", separator, service->projections[i]->view->name);
        separator = ",";
        health_write(&report, now_boot_us, one, out);
        all = all && one;
    }
    buffer_put_string(out, "}");
    return all;
}

static bool create_projection(struct service *service, const struct view *view, struct error *error)
{
    struct projection *projection =
        projection_create(view, &service->config, &service->arena, error);
    if (projection == NULL)
        return false;
    if (revisions_count(text_of(view->name)) == 1) {
        atomic_store(&projection->role, ROLE_LIVE);
        worker_add(service->worker, projection);
    }
    service->metrics[service->view_count] = &projection->metrics;
    service->projections[service->view_count++] = projection;
    return true;
}

static bool create_projections(struct service *service, struct error *error)
{
    service->projections = calloc(views_count() + 1, sizeof(struct projection *));
    service->metrics = calloc(views_count() + 1, sizeof(struct view_metrics *));
    if (service->projections == NULL || service->metrics == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "views");
    service->worker = worker_create(&service->config, service->share, views_count(), error);
    if (service->worker == NULL)
        return false;
    for (size_t context = 0; context < CONTEXT_COUNT; context++)
        for (const struct view *const *view = view_lists[context]; *view != NULL; view++)
            if (!create_projection(service, *view, error))
                return false;
    return true;
}

static bool start_server(struct service *service, struct error *error)
{
    static const struct web_route *const routes[] = {web_probe_routes, desk_routes, NULL};
    service->probes = (struct web_probes){
        .metrics = view_metrics_list(service->metrics, service->view_count, &service->arena),
        .ready = ready,
        .self = service,
    };
    if (service->probes.metrics == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "metrics");
    web_probes_set(&service->probes);
    service->server = web_server_start(
        &(struct web_server_options){
            .address = service->config.address,
            .port = (int)service->config.port,
            .threads = 2, /* a busy desk must not make probes wait */
            .connections_max = 64,
            .idle_timeout_s = 30,
            .body_bytes_max = 1024,
            .arena_bytes_max = 4 * 1024 * 1024,
            .routes = routes,
            .user = service->desk,
            .request_timeout_us = 60000000,
        },
        error);
    return service->server != NULL;
}

/* The drawn end of an id. */
static void name_process(char ret_name[static PROCESS_SIZE])
{
    struct uuid id = uuid_v7();
    char string[UUID_TEXT_SIZE];
    uuid_format(&id, string);
    memcpy(ret_name, string + UUID_TEXT_SIZE - PROCESS_SIZE, PROCESS_SIZE);
}

bool service_start(struct service *service, struct error *error)
{
    name_process(service->config.process);
    arena_init(&service->arena, METRICS_BYTES_MAX);
    service->share = share_start(&service->config, error);
    if (service->share == NULL || !create_projections(service, error) ||
        !desk_open(&service->config, &service->desk, error) || !start_server(service, error) ||
        !worker_start(service->worker, error))
        return false;
    service->rebuilds =
        rebuilds_start(&service->config, service->projections, service->view_count, error);
    if (service->rebuilds == NULL)
        return false;
    log_info("projector_started", LOG_STRING("process", service->config.process),
             LOG_NUMBER("views", (int64_t)service->view_count),
             LOG_NUMBER("port", web_server_port(service->server)));
    return true;
}

bool service_stop(struct service *service)
{
    bool refused = service->worker != NULL && atomic_load(&service->worker->refused);
    service->server = web_server_stop(service->server, STOP_TIMEOUT_MS);
    service->desk = desk_close(service->desk);
    service->rebuilds = rebuilds_stop(service->rebuilds);
    service->worker = worker_destroy(service->worker);
    service->share = share_stop(service->share);
    while (service->view_count > 0)
        (void)projection_destroy(service->projections[--service->view_count]);
    free(service->projections);
    free(service->metrics);
    arena_done(&service->arena);
    return !refused;
}
