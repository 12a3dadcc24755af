/* One connection and one thread for group and owners' topic. Its name in the group is its address,
 * so that the order of members stays the same and a restart is no news. */
#include "command-svc/deployment.h"

#include "command-svc/hosting.h"
#include "lib/core/clock.h"
#include "lib/core/logger.h"
#include "lib/log/group.h"
#include "lib/log/kafka_group.h"
#include "lib/log/kafka_port.h"
#include "lib/log/membership.h"
#include "lib/log/owners.h"
#include "lib/log/port.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX                (1024 * 1024)
#define HEARTBEAT_MS             200
#define WAIT_MS                  50
#define TEXTS_MAX                (64 * 1024)
#define GROUP_NAME_START         "sijang.command."

#define CONTEXT_HOSTED_ELSEWHERE "context_hosted_elsewhere"
#define WHAT_TO_DO                                                                                 \
    "no context in two deployments: name the other one in SIJANG_DEPLOYMENT, or take the context " \
    "out of SIJANG_CONTEXTS here or there"

struct deployment {
    struct deployment_options options;
    struct arena texts;
    const char *names[CONTEXTS_MAX + 1]; /* of all contexts: any may have to be found */
    const char *hosted[CONTEXTS_MAX + 1];
    const char *topics[CONTEXTS_MAX + 1]; /* of those hosted */
    bool refused_said[CONTEXTS_MAX];      /* likewise: another deployment has it */
    struct log_port *port;
    struct group_port *group;
    struct ownership ownership;
    pthread_t thread;
    bool runs;
    bool fenced_said;
    _Atomic bool stopping;
    int64_t stop_by_boot_us;
};

static bool name_contexts(struct deployment *deployment)
{
    const struct hosting *hosting = deployment->options.hosting;
    bool complete = true;

    for (int c = 0; contexts[c] != NULL; c++)
        deployment->names[c] = contexts[c]->name;
    for (int h = 0; h < hosting->count; h++) {
        deployment->hosted[h] = contexts[hosting->contexts[h]]->name;
        deployment->topics[h] = arena_print(&deployment->texts, "sijang.%s.events.v1",
                                            contexts[hosting->contexts[h]]->name);
        complete = complete && deployment->topics[h] != NULL;
    }
    return complete;
}

static void tell_changed(void *self)
{
    const struct deployment *deployment = self;

    deployment->options.changed(deployment->options.user);
}

static bool open_owners(struct deployment *deployment, const char *address, struct error *error)
{
    const struct command_config *config = deployment->options.config;
    struct kafka_port_options port = {
        .brokers = config->kafka_brokers,
        .client_id = address,
        .producer = true,
        .queued_bytes_max = BYTES_MAX,
        .fetched_bytes_max = BYTES_MAX,
    };
    struct owners_options options = {
        .contexts = deployment->names,
        .partition_count = (int32_t)config->partitions,
        .address = address,
        .incarnation = deployment->options.incarnation,
        .deployment = config->deployment,
        .hosted = deployment->hosted,
        .changed = tell_changed,
        .user = deployment,
    };

    deployment->port = kafka_port_create(&port, error);
    if (deployment->port == NULL)
        return false;
    deployment->ownership.owners = owners_create(deployment->port, &options, error);
    return deployment->ownership.owners != NULL;
}

static bool open_membership(struct deployment *deployment, const char *address, struct error *error)
{
    const struct command_config *config = deployment->options.config;
    struct kafka_group_options group = {
        .group = arena_print(&deployment->texts, GROUP_NAME_START "%s", config->deployment),
        .member = address,
        .topics = deployment->topics,
        .session_timeout_ms = (int)config->session_timeout_ms,
        .heartbeat_ms = HEARTBEAT_MS,
    };
    struct membership_options options = {
        .topic_count = deployment->options.hosting->count,
        .partition_count = (int32_t)config->partitions,
        .session_timeout_us = config->session_timeout_ms * 1000,
        .changed = tell_changed,
        .user = deployment,
    };

    if (group.group == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "deployment");
    deployment->group = kafka_group_create(deployment->port, &group, error);
    if (deployment->group == NULL)
        return false;
    deployment->ownership.membership = membership_create(deployment->group, &options, error);
    return deployment->ownership.membership != NULL;
}

static const char *own_address(struct deployment *deployment, struct error *error)
{
    const struct command_config *config = deployment->options.config;

    if (config->advertise[0] != '\0')
        return config->advertise;
    if (config->port == 0) {
        error_set(error, FAULT_CONFIG_INVALID, "SIJANG_ADVERTISE is needed where any port will do");
        return NULL;
    }
    const char *address =
        arena_print(&deployment->texts, "%s:%lld", config->address, (long long)config->port);
    if (address == NULL)
        error_set(error, FAULT_OUT_OF_MEMORY, "deployment");
    return address;
}

struct deployment *deployment_create(const struct deployment_options *options, struct error *error)
{
    struct deployment *deployment = calloc(1, sizeof(*deployment));

    if (deployment == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "deployment");
        return NULL;
    }
    deployment->options = *options;
    arena_init(&deployment->texts, TEXTS_MAX);
    deployment->ownership.incarnation = options->incarnation;
    atomic_init(&deployment->ownership.far, (int)options->config->shards);
    const char *address = own_address(deployment, error);
    if (address == NULL)
        return deployment_destroy(deployment);
    if (!name_contexts(deployment)) {
        error_set(error, FAULT_OUT_OF_MEMORY, "deployment");
        return deployment_destroy(deployment);
    }
    if (!open_owners(deployment, address, error) || !open_membership(deployment, address, error))
        return deployment_destroy(deployment);
    return deployment;
}

static bool may_end(const struct deployment *deployment)
{
    return atomic_load(&deployment->stopping) && (owners_settled(deployment->ownership.owners) ||
                                                  clock_boot_us() >= deployment->stop_by_boot_us);
}

static void say_if_fenced(struct deployment *deployment)
{
    if (deployment->fenced_said || !membership_is_fenced(deployment->ownership.membership))
        return;
    deployment->fenced_said = true;
    log_error("member_replaced",
              LOG_STRING("detail", "another process advertises the same address"));
}

static bool is_refused(const struct deployment *deployment, const char *context,
                       char ret_other[HOSTS_DEPLOYMENT_SIZE])
{
    return !owners_may_claim(deployment->ownership.owners, context, ret_other) &&
           ret_other[0] != '\0';
}

static void say_if_refused(struct deployment *deployment)
{
    char other[HOSTS_DEPLOYMENT_SIZE];

    for (size_t i = 0; deployment->hosted[i] != NULL; i++) {
        bool refused = is_refused(deployment, deployment->hosted[i], other);
        if (refused && !deployment->refused_said[i])
            log_error(CONTEXT_HOSTED_ELSEWHERE, LOG_STRING("context", deployment->hosted[i]),
                      LOG_STRING("by_deployment", other),
                      LOG_STRING("deployment", deployment->options.config->deployment),
                      LOG_STRING("detail", WHAT_TO_DO));
        deployment->refused_said[i] = refused;
    }
}

bool deployment_write_refusals(const struct deployment *deployment, struct buffer *out)
{
    char other[HOSTS_DEPLOYMENT_SIZE];
    bool any = false;

    for (size_t i = 0; deployment->hosted[i] != NULL; i++) {
        if (!is_refused(deployment, deployment->hosted[i], other))
            continue;
        buffer_put_string(out, any ? "," : ",\"refused\":[");
        buffer_print(out, "{\"code\":\"" CONTEXT_HOSTED_ELSEWHERE "\",\"context\":\"%s\",",
                     deployment->hosted[i]);
        buffer_put_string(out, "\"by_deployment\":");
        buffer_put_json_string(out, text_of(other));
        buffer_put_string(out, ",\"detail\":\"" WHAT_TO_DO "\"}");
        any = true;
    }
    if (any)
        buffer_put_byte(out, ']');
    return !any;
}

static void *run(void *self)
{
    struct deployment *deployment = self;

    while (!may_end(deployment)) {
        size_t handled = membership_turn(deployment->ownership.membership);
        handled += owners_turn(deployment->ownership.owners);
        say_if_fenced(deployment);
        say_if_refused(deployment);
        if (handled == 0)
            deployment->port->wait(deployment->port, WAIT_MS);
    }
    return NULL;
}

bool deployment_start(struct deployment *deployment, struct error *error)
{
    int failed = pthread_create(&deployment->thread, NULL, run, deployment);

    deployment->runs = failed == 0;
    return deployment->runs ||
           error_set(error, FAULT_IO_FAILED, "a thread for the deployment: error %d", failed);
}

struct ownership *deployment_ownership(struct deployment *deployment)
{
    return &deployment->ownership;
}

bool deployment_leave(struct deployment *deployment)
{
    bool alone = membership_is_alone(deployment->ownership.membership);

    membership_leave(deployment->ownership.membership);
    owners_leave(deployment->ownership.owners);
    return !alone;
}

void deployment_stop(struct deployment *deployment, int timeout_ms)
{
    if (deployment == NULL || !deployment->runs)
        return;
    deployment->stop_by_boot_us = clock_boot_us() + timeout_ms * INT64_C(1000);
    atomic_store(&deployment->stopping, true);
    deployment->port->wake(deployment->port);
    pthread_join(deployment->thread, NULL);
    deployment->runs = false;
}

struct deployment *deployment_destroy(struct deployment *deployment)
{
    if (deployment == NULL)
        return NULL;
    membership_destroy(deployment->ownership.membership);
    kafka_group_destroy(deployment->group);
    owners_destroy(deployment->ownership.owners);
    kafka_port_destroy(deployment->port);
    arena_done(&deployment->texts);
    free(deployment);
    return NULL;
}
