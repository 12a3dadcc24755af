/* The port over librdkafka 2.0.2: sources, waiting, waking. One eventfd is signalled by both
 * clients' queues and by wake, so that the thread sleeps in one place. */
#include "lib/log/kafka_port.h"

#include "lib/core/clock.h"
#include "lib/core/condition.h"
#include "lib/core/id.h"
#include "lib/log/decimal.h"
#include "lib/log/kafka_client.h"
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CLIENT_ERROR_SIZE 200
#define PROBE_INTERVAL_US 200000
#define PROBE_TIMEOUT_MS  100
#define PROBE_WAIT_MS_MAX 50

static struct kafka_port *of(const struct log_port *port)
{
    return (struct kafka_port *)port;
}

rd_kafka_conf_t *kafka_conf(const struct kafka_port *kafka, const struct kafka_setting *settings,
                            struct error *error)
{
    const struct kafka_setting shared[] = {
        {"bootstrap.servers", kafka->brokers},
        {"client.id", kafka->client_id},
        {"log_level", "0"},
        {"socket.nagle.disable", "true"},
        {"socket.keepalive.enable", "true"},
        {"reconnect.backoff.ms", "20"},
        {"reconnect.backoff.max.ms", "1000"},
        {NULL, NULL},
    };
    const struct kafka_setting *const lists[] = {shared, settings};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[CLIENT_ERROR_SIZE];

    rd_kafka_conf_set_log_cb(conf, NULL); /* nothing but JSON goes to stderr, and not from here */
    for (size_t list = 0; list < 2; list++) {
        for (const struct kafka_setting *one = lists[list]; one->name != NULL; one++) {
            if (rd_kafka_conf_set(conf, one->name, one->value, text, sizeof(text)) ==
                RD_KAFKA_CONF_OK)
                continue;
            rd_kafka_conf_destroy(conf);
            error_set(error, FAULT_CONFIG_INVALID, "%s", text);
            return NULL;
        }
    }
    return conf;
}

struct text kafka_kilobytes(size_t bytes, char *end)
{
    *--end = '\0';
    char *first = decimal_print(end, bytes < 1024 ? 1 : (int64_t)(bytes / 1024));

    return (struct text){.bytes = first, .size = (size_t)(end - first)};
}

void kafka_signal(struct kafka_port *kafka, rd_kafka_queue_t *queue)
{
    static const uint64_t one = 1;

    rd_kafka_queue_io_event_enable(queue, kafka->event_fd, &one, sizeof(one));
}

static struct kafka_topic *find_topic(const struct kafka_port *kafka, const char *name)
{
    struct kafka_topic *topic = kafka->topics;

    while (topic != NULL && strcmp(topic->name, name) != 0)
        topic = topic->next;
    return topic;
}

static void close_topic(struct kafka_topic *topic)
{
    if (topic->produced != NULL)
        rd_kafka_topic_destroy(topic->produced);
    if (topic->consumed != NULL)
        rd_kafka_topic_destroy(topic->consumed);
    free(topic);
}

static struct kafka_topic *open_topic(struct kafka_port *kafka, const char *name,
                                      struct error *error)
{
    struct kafka_topic *topic = calloc(1, sizeof(*topic));

    if (topic == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "topic");
        return NULL;
    }
    memcpy(topic->name, name, strlen(name) + 1);
    for (size_t i = 0; i < KAFKA_PARTITIONS_MAX; i++)
        topic->sources[i] = -1;
    if (!kafka_consumer_open_topic(kafka, topic, error) ||
        (kafka->options.producer && !kafka_producer_open_topic(kafka, topic, error))) {
        close_topic(topic);
        return NULL;
    }
    topic->next = kafka->topics;
    kafka->topics = topic;
    return topic;
}

static bool kafka_open(struct log_port *port, const char *name, int32_t partition,
                       int32_t *ret_source, struct error *error)
{
    struct kafka_port *kafka = of(port);

    if (strlen(name) >= KAFKA_NAME_SIZE || partition < 0 || partition >= KAFKA_PARTITIONS_MAX)
        return error_set(error, FAULT_LIMIT_EXCEEDED, "topic name or partition number");
    struct kafka_topic *topic = find_topic(kafka, name);
    if (topic == NULL)
        topic = open_topic(kafka, name, error);
    if (topic == NULL)
        return false;
    if (topic->sources[partition] < 0) {
        struct kafka_source *grown =
            realloc(kafka->sources, ((size_t)kafka->source_count + 1) * sizeof(*grown));
        if (grown == NULL)
            return error_set(error, FAULT_OUT_OF_MEMORY, "source");
        kafka->sources = grown;
        grown[kafka->source_count] = (struct kafka_source){.topic = topic, .partition = partition};
        topic->sources[partition] = kafka->source_count++;
    }
    *ret_source = topic->sources[partition];
    return true;
}

static bool kafka_connected(const struct log_port *port)
{
    return of(port)->connected;
}

static int64_t kafka_boot_us(const struct log_port *port)
{
    (void)port;
    return clock_boot_us();
}

static int64_t kafka_wall_us(const struct log_port *port)
{
    (void)port;
    return clock_wall_us();
}

static uint64_t kafka_chance(struct log_port *port)
{
    uint64_t bits;

    (void)port;
    random_fill(&bits, sizeof(bits));
    return bits;
}

static bool has_work(const struct kafka_port *kafka)
{
    return kafka->report_event != NULL || kafka->unreported_count > 0 ||
           (kafka->reports != NULL && rd_kafka_queue_length(kafka->reports) > 0) ||
           rd_kafka_queue_length(kafka->messages) > 0;
}

static bool needs_metadata(struct kafka_port *kafka)
{
    return !kafka->connected || !kafka->topics_known || !kafka_producer_warm_up(kafka, 0);
}

/* Metadata is asked for here, where blocking is allowed. True while more of it is needed. */
static bool ask_metadata(struct kafka_port *kafka, int timeout_ms)
{
    if (!needs_metadata(kafka))
        return false;
    if (clock_boot_us() < kafka->probe_due_us || timeout_ms == 0)
        return true;
    if (!kafka->connected || !kafka->topics_known)
        kafka_consumer_probe(kafka, PROBE_TIMEOUT_MS);
    (void)kafka_producer_warm_up(kafka, PROBE_TIMEOUT_MS);
    kafka->probe_due_us = clock_boot_us() + PROBE_INTERVAL_US;
    return needs_metadata(kafka);
}

static void kafka_wait(struct log_port *port, int timeout_ms)
{
    struct kafka_port *kafka = of(port);
    struct pollfd event = {.fd = kafka->event_fd, .events = POLLIN};
    uint64_t count;

    if (ask_metadata(kafka, timeout_ms) && (timeout_ms < 0 || timeout_ms > PROBE_WAIT_MS_MAX))
        timeout_ms = PROBE_WAIT_MS_MAX;
    if (has_work(kafka))
        timeout_ms = 0;
    if (poll(&event, 1, timeout_ms) <= 0)
        return;
    if (read(kafka->event_fd, &count, sizeof(count)) < 0)
        assert(errno == EAGAIN || errno == EINTR);
    atomic_store(&kafka->woken,
                 false); /* after the read, or a wake in between would be swallowed */
}

static void kafka_wake(struct log_port *port)
{
    struct kafka_port *kafka = of(port);
    static const uint64_t one = 1;

    if (atomic_exchange(&kafka->woken, true))
        return;
    if (write(kafka->event_fd, &one, sizeof(one)) < 0)
        assert(errno == EAGAIN || errno == EINTR);
}

static const struct log_port kafka_functions = {
    .open = kafka_open,
    .produce = kafka_produce,
    .reports = kafka_reports,
    .recreate_producer = kafka_recreate_producer,
    .fetch = kafka_fetch,
    .fetch_stop = kafka_fetch_stop,
    .poll = kafka_poll,
    .header = kafka_header,
    .release = kafka_release,
    .end = kafka_end,
    .connected = kafka_connected,
    .boot_us = kafka_boot_us,
    .wall_us = kafka_wall_us,
    .chance = kafka_chance,
    .wait = kafka_wait,
    .wake = kafka_wake,
};

static bool open_clients(struct kafka_port *kafka, const struct kafka_port_options *options,
                         struct error *error)
{
    kafka->brokers = strdup(options->brokers);
    kafka->client_id = strdup(options->client_id);
    if (kafka->brokers == NULL || kafka->client_id == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "Kafka port");
    kafka->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (kafka->event_fd < 0)
        return error_set(error, FAULT_IO_FAILED, "eventfd: %s", strerror(errno));
    return kafka_consumer_open(kafka, error) &&
           (!options->producer || kafka_producer_open(kafka, error));
}

struct log_port *kafka_port_create(const struct kafka_port_options *options, struct error *error)
{
    struct kafka_port *kafka = calloc(1, sizeof(*kafka));

    if (kafka == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "Kafka port");
        return NULL;
    }
    kafka->port = kafka_functions;
    kafka->options = *options;
    kafka->event_fd = -1;
    (void)pthread_mutex_init(&kafka->room_mutex, NULL);
    condition_init(&kafka->room);
    if (!open_clients(kafka, options, error))
        return kafka_port_destroy(&kafka->port);
    return &kafka->port;
}

struct log_port *kafka_port_destroy(struct log_port *port)
{
    struct kafka_port *kafka = of(port);

    if (kafka == NULL)
        return NULL;
    kafka_end_room(kafka);
    for (int32_t source = 0; source < kafka->source_count; source++)
        kafka_fetch_stop(port, source);
    while (kafka->topics != NULL) {
        struct kafka_topic *topic = kafka->topics;
        kafka->topics = topic->next;
        close_topic(topic);
    }
    kafka_producer_close(kafka);
    kafka_consumer_close(kafka);
    if (kafka->event_fd >= 0)
        close(kafka->event_fd);
    (void)pthread_cond_destroy(&kafka->room);
    (void)pthread_mutex_destroy(&kafka->room_mutex);
    free(kafka->sources);
    free(kafka->brokers);
    free(kafka->client_id);
    free(kafka);
    return NULL;
}
