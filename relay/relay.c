/* Rounds: what the group says, what can be opened, what was read, one transaction for each
 * partition that has something. */
#include "relay/relay.h"

#include "lib/core/arena.h"
#include "lib/core/clock.h"
#include "lib/core/logger.h"
#include "lib/log/group.h"
#include "lib/log/kafka_group.h"
#include "lib/log/kafka_port.h"
#include "lib/log/membership.h"
#include "lib/log/port.h"
#include "relay/lane.h"
#include "relay/mirror.h"
#include <pthread.h>
#include <stdlib.h>

#define WAIT_MS             100
#define HEARTBEAT_MS        500
#define ARENA_BYTES_MAX     ((size_t)16 * 1024 * 1024)
#define HEARTBEAT_US_MAX    INT64_C(5000000)
#define METRICS_INTERVAL_US INT64_C(200000)

struct relay {
    const struct relay_config *config;
    struct arena arena;
    const char *topics[CONTEXT_COUNT + 1];
    struct lane *lanes; /* context by context, a partition each */
    size_t lane_count;
    struct lane **by_source; /* of the reader */
    struct metric **metrics;
    struct log_port *port;
    struct group_port *group;
    struct membership *membership;
    struct lane_ground ground;
    struct mirror mirror;
    size_t next; /* lane to be looked at for opening */
    int64_t measured_boot_us;
    bool fenced_said;
    pthread_t thread;
    bool runs;
    _Atomic bool stopping;
    _Atomic bool connected;
    _Atomic int64_t heartbeat_boot_us;
};

static void take_commit(void *self, int32_t source, const struct log_event *events, size_t count,
                        const struct log_position *after)
{
    struct relay *relay = self;

    lane_take(relay->by_source[source], events, count, after);
}

static void take_advance(void *self, int32_t source, const struct log_position *after)
{
    struct relay *relay = self;

    (void)after; /* nothing to publish, read again after a restart */
    lane_fits(relay->by_source[source]);
}

static void take_stop(void *self, int32_t source, const struct error *error)
{
    struct relay *relay = self;

    relay->by_source[source]->error = *error;
    relay->by_source[source]->failed = true;
}

static enum assignment assignment_of(const struct relay *relay, size_t number)
{
    size_t partitions = (size_t)relay->config->partitions;

    return membership_standing(relay->membership, (int)(number / partitions),
                               (int32_t)(number % partitions))
        .assignment;
}

/* One at a time: opening blocks, and the others are to go on. Until the group says that a partition
 * is another one's, it stays: whoever has it will shut this one out. */
static void open_next(struct relay *relay)
{
    for (size_t i = 0; i < relay->lane_count; i++) {
        size_t number = relay->next;
        struct lane *lane = &relay->lanes[number];
        relay->next = (number + 1) % relay->lane_count;
        if (lane->publisher != NULL || assignment_of(relay, number) != ASSIGNMENT_HERE ||
            clock_boot_us() < lane->due_boot_us)
            continue;
        lane_open(lane, &relay->ground, clock_boot_us());
        if (lane->source >= 0)
            relay->by_source[lane->source] = lane;
        return;
    }
}

static void close_others(struct relay *relay)
{
    for (size_t i = 0; i < relay->lane_count; i++)
        if (relay->lanes[i].state != LANE_ELSEWHERE &&
            assignment_of(relay, i) == ASSIGNMENT_ELSEWHERE)
            lane_close(&relay->lanes[i], &relay->ground, LANE_ELSEWHERE);
}

static void say_if_fenced(struct relay *relay)
{
    if (relay->fenced_said || !membership_is_fenced(relay->membership))
        return;
    relay->fenced_said = true;
    log_error("member_replaced", LOG_STRING("detail", "another relay bears the same name"));
}

static void measure(struct relay *relay, int64_t boot_us)
{
    atomic_store(&relay->heartbeat_boot_us, boot_us);
    atomic_store(&relay->connected, log_reader_connected(relay->ground.reader));
    if (boot_us - relay->measured_boot_us < METRICS_INTERVAL_US)
        return;
    relay->measured_boot_us = boot_us;
    for (size_t i = 0; i < relay->lane_count; i++) {
        struct lane *lane = &relay->lanes[i];
        metric_set(&lane->lag, lane_lag(lane, &relay->ground));
    }
    mirror_turn(&relay->mirror, relay->lanes, &relay->ground, boot_us);
}

static void *run(void *self)
{
    struct relay *relay = self;

    while (!atomic_load(&relay->stopping)) {
        (void)membership_turn(relay->membership);
        say_if_fenced(relay);
        close_others(relay);
        open_next(relay);
        (void)log_reader_poll(relay->ground.reader, (size_t)relay->config->batch_records, WAIT_MS);
        for (size_t i = 0; i < relay->lane_count; i++)
            lane_commit(&relay->lanes[i], &relay->ground, clock_boot_us());
        measure(relay, clock_boot_us());
    }
    return NULL;
}

static bool create_lanes(struct relay *relay, struct error *error)
{
    size_t partitions = (size_t)relay->config->partitions, count = partitions * CONTEXT_COUNT;

    relay->lanes = calloc(count, sizeof(*relay->lanes));
    relay->by_source = calloc(count, sizeof(struct lane *));
    relay->metrics = calloc(2 * count + 1, sizeof(struct metric *));
    bool ok = relay->lanes != NULL && relay->by_source != NULL && relay->metrics != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        const struct context *context = &contexts[i / partitions];
        relay->topics[i / partitions] = context->topic;
        ok = lane_init(&relay->lanes[i], context, (int32_t)(i % partitions), &relay->arena);
        relay->metrics[i] = &relay->lanes[i].lag;
        relay->metrics[count + i] = &relay->lanes[i].published;
    }
    relay->lane_count = ok ? count : 0;
    return ok || error_set(error, FAULT_OUT_OF_MEMORY, "%zu partitions", count);
}

static bool open_log(struct relay *relay, const char *name, struct error *error)
{
    const struct relay_config *config = relay->config;
    const struct kafka_port_options port = {
        .brokers = config->kafka_brokers,
        .client_id = name,
        .fetched_bytes_max = (size_t)config->fetch_bytes,
        .fetch_spacing_ms = (int)config->fetch_spacing_ms,
    };
    const struct log_reader_handler handler = {
        .self = relay,
        .commit = take_commit,
        .advanced = take_advance,
        .stopped = take_stop,
    };

    relay->port = kafka_port_create(&port, error);
    if (relay->port == NULL)
        return false;
    relay->ground = (struct lane_ground){
        .config = config,
        .port = relay->port,
        .reader = log_reader_create(relay->port, &handler, (int32_t)config->partitions, error),
    };
    return relay->ground.reader != NULL;
}

static bool open_membership(struct relay *relay, const char *name, struct error *error)
{
    const struct relay_config *config = relay->config;
    const struct kafka_group_options group = {
        .group = "sijang.relay",
        .member = name,
        .topics = relay->topics,
        .session_timeout_ms = (int)config->session_timeout_ms,
        .heartbeat_ms = HEARTBEAT_MS,
    };
    const struct membership_options options = {
        .topic_count = CONTEXT_COUNT,
        .partition_count = (int32_t)config->partitions,
        .session_timeout_us = config->session_timeout_ms * 1000,
    };

    relay->group = kafka_group_create(relay->port, &group, error);
    if (relay->group == NULL)
        return false;
    relay->membership = membership_create(relay->group, &options, error);
    if (relay->membership == NULL)
        return false;
    membership_join(relay->membership);
    return true;
}

static const char *own_name(struct relay *relay, struct error *error)
{
    const struct relay_config *config = relay->config;

    if (config->name[0] != '\0')
        return config->name;
    if (config->port == 0) {
        error_set(error, FAULT_CONFIG_INVALID, "with any port it needs SIJANG_RELAY_NAME");
        return NULL;
    }
    const char *name =
        arena_print(&relay->arena, "%s:%lld", config->address, (long long)config->port);
    if (name == NULL)
        error_set(error, FAULT_OUT_OF_MEMORY, "relay");
    return name;
}

struct relay *relay_create(const struct relay_config *config, struct error *error)
{
    struct relay *relay = calloc(1, sizeof(*relay));

    if (relay == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "relay");
        return NULL;
    }
    relay->config = config;
    arena_init(&relay->arena, ARENA_BYTES_MAX);
    const char *name = own_name(relay, error);
    if (name == NULL || !create_lanes(relay, error) || !open_log(relay, name, error) ||
        !open_membership(relay, name, error) ||
        !mirror_init(&relay->mirror, config, &relay->arena, error))
        return relay_destroy(relay);
    return relay;
}

bool relay_start(struct relay *relay, struct error *error)
{
    int failed = pthread_create(&relay->thread, NULL, run, relay);

    relay->runs = failed == 0;
    return relay->runs ||
           error_set(error, FAULT_IO_FAILED, "a thread for the relay: error %d", failed);
}

static void stop(struct relay *relay)
{
    if (!relay->runs)
        return;
    atomic_store(&relay->stopping, true);
    relay->port->wake(relay->port);
    pthread_join(relay->thread, NULL);
    relay->runs = false;
}

struct relay *relay_destroy(struct relay *relay)
{
    if (relay == NULL)
        return NULL;
    stop(relay);
    mirror_done(&relay->mirror);
    for (size_t i = 0; i < relay->lane_count; i++)
        lane_close(&relay->lanes[i], &relay->ground, LANE_ELSEWHERE);
    membership_destroy(relay->membership);
    kafka_group_destroy(relay->group);
    log_reader_destroy(relay->ground.reader);
    kafka_port_destroy(relay->port);
    free(relay->metrics);
    free(relay->by_source);
    free(relay->lanes);
    arena_done(&relay->arena);
    free(relay);
    return NULL;
}

struct metric *const *relay_metrics(struct relay *relay)
{
    return relay->metrics;
}

bool relay_ready(void *self, struct buffer *out)
{
    struct relay *relay = self;
    int64_t heartbeat_us = clock_boot_us() - atomic_load(&relay->heartbeat_boot_us);
    bool connected = atomic_load(&relay->connected), alive = heartbeat_us <= HEARTBEAT_US_MAX;
    int64_t publishing = 0, waiting = 0;

    for (size_t i = 0; i < relay->lane_count; i++) {
        int state = atomic_load(&relay->lanes[i].shown_state);
        publishing += state == LANE_PUBLISHING;
        waiting += state == LANE_WAITING;
    }
    buffer_print(out,
                 "\"alive\":%s,\"log\":%s,\"partitions\":%zu,\"publishing\":%lld,\"waiting\":%lld",
                 alive ? "true" : "false", connected ? "true" : "false", relay->lane_count,
                 (long long)publishing, (long long)waiting);
    return alive && connected && waiting == 0;
}
