/* A static member of a consumer group. Always eager `range`: cooperative-sticky loops and hangs in
 * librdkafka 2.0.2. The assignment given to librdkafka is empty, so it has nothing to fetch. */
#include "lib/log/kafka_group.h"

#include "lib/log/decimal.h"
#include "lib/log/group.h"
#include "lib/log/kafka_client.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_ERROR_SIZE  200
#define POLL_INTERVAL_MAX  "30000" /* without a poll for so long it counts as gone */
#define EVENTS_WAITING_MAX 8

struct happening {
    enum group_event_kind kind;
    rd_kafka_topic_partition_list_t *dealt; /* of ASSIGNED */
};

struct kafka_group {
    struct group_port group;
    struct kafka_port *kafka;
    const char *const *topics;
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    struct happening waiting[EVENTS_WAITING_MAX]; /* oldest first */
    size_t waiting_count;
    struct group_share *shares; /* of the event handed out last */
};

static struct kafka_group *of(struct group_port *group)
{
    return (struct kafka_group *)group;
}

static void drop_oldest(struct kafka_group *group)
{
    if (group->waiting[0].dealt != NULL)
        rd_kafka_topic_partition_list_destroy(group->waiting[0].dealt);
    group->waiting_count--;
    memmove(group->waiting, group->waiting + 1, group->waiting_count * sizeof(group->waiting[0]));
}

static void note(struct kafka_group *group, enum group_event_kind kind,
                 const rd_kafka_topic_partition_list_t *dealt)
{
    if (group->waiting_count == EVENTS_WAITING_MAX)
        drop_oldest(group); /* the newest says it all */
    group->waiting[group->waiting_count++] = (struct happening){
        .kind = kind,
        .dealt = dealt == NULL ? NULL : rd_kafka_topic_partition_list_copy(dealt),
    };
}

static void rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t code,
                      rd_kafka_topic_partition_list_t *partitions, void *self)
{
    struct kafka_group *group = self;

    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        rd_kafka_topic_partition_list_t *nothing = rd_kafka_topic_partition_list_new(0);
        (void)rd_kafka_assign(consumer, nothing);
        rd_kafka_topic_partition_list_destroy(nothing);
        note(group, GROUP_ASSIGNED, partitions);
        return;
    }
    note(group, rd_kafka_assignment_lost(consumer) ? GROUP_LOST : GROUP_REVOKED, NULL);
    (void)rd_kafka_assign(consumer, NULL);
}

static void kafka_join(struct group_port *port)
{
    struct kafka_group *group = of(port);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);

    for (const char *const *topic = group->topics; *topic != NULL; topic++)
        (void)rd_kafka_topic_partition_list_add(topics, *topic, RD_KAFKA_PARTITION_UA);
    (void)rd_kafka_subscribe(group->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
}

/* Unsubscribing sends a static member's leave, too; closing would not. */
static void kafka_leave(struct group_port *port)
{
    (void)rd_kafka_unsubscribe(of(port)->consumer);
}

static int find_topic(const struct kafka_group *group, const char *name)
{
    int number = 0;

    while (group->topics[number] != NULL && strcmp(group->topics[number], name) != 0)
        number++;
    assert(group->topics[number] != NULL);
    return number;
}

/* All or nothing: without memory for all, the member holds nothing. */
static size_t hand_out(struct kafka_group *group, const rd_kafka_topic_partition_list_t *dealt)
{
    free(group->shares);
    group->shares = NULL;
    if (dealt == NULL || dealt->cnt == 0)
        return 0;
    group->shares = calloc((size_t)dealt->cnt, sizeof(*group->shares));
    if (group->shares == NULL)
        return 0;
    for (int i = 0; i < dealt->cnt; i++)
        group->shares[i] = (struct group_share){
            .topic = find_topic(group, dealt->elems[i].topic),
            .partition = dealt->elems[i].partition,
        };
    return (size_t)dealt->cnt;
}

static void serve_queue(struct kafka_group *group)
{
    rd_kafka_message_t *message;

    while ((message = rd_kafka_consumer_poll(group->consumer, 0)) != NULL) {
        if (message->err == RD_KAFKA_RESP_ERR__FATAL)
            note(group, GROUP_FENCED, NULL);
        rd_kafka_message_destroy(message);
    }
}

static bool kafka_poll_group(struct group_port *port, struct group_event *ret_event)
{
    struct kafka_group *group = of(port);

    serve_queue(group);
    if (group->waiting_count == 0)
        return false;
    *ret_event = (struct group_event){.kind = group->waiting[0].kind};
    ret_event->count = hand_out(group, group->waiting[0].dealt);
    ret_event->shares = group->shares;
    drop_oldest(group);
    return true;
}

static int64_t kafka_group_boot_us(const struct group_port *port)
{
    const struct kafka_group *group = (const struct kafka_group *)port;

    return group->kafka->port.boot_us(&group->kafka->port);
}

static void kafka_wake_group(struct group_port *port)
{
    struct kafka_group *group = of(port);

    group->kafka->port.wake(&group->kafka->port);
}

static const struct group_port kafka_group_functions = {
    .join = kafka_join,
    .leave = kafka_leave,
    .poll = kafka_poll_group,
    .boot_us = kafka_group_boot_us,
    .wake = kafka_wake_group,
};

static bool open_consumer(struct kafka_group *group, const struct kafka_group_options *options,
                          struct error *error)
{
    char text[CLIENT_ERROR_SIZE];
    char session[DECIMAL_SIZE_MAX + 1] = {0}, heartbeat[DECIMAL_SIZE_MAX + 1] = {0};
    const char *heartbeat_ms = decimal_print(heartbeat + DECIMAL_SIZE_MAX, options->heartbeat_ms);
    const struct kafka_setting settings[] = {
        {"group.id", options->group},
        {"group.instance.id", options->member},
        {"partition.assignment.strategy", "range"},
        {"session.timeout.ms",
         decimal_print(session + DECIMAL_SIZE_MAX, options->session_timeout_ms)},
        {"heartbeat.interval.ms", heartbeat_ms},
        /* The thread that sends heartbeats sleeps a second unless a timer wakes it: this one. */
        {"statistics.interval.ms", heartbeat_ms},
        {"max.poll.interval.ms", POLL_INTERVAL_MAX},
        {"enable.auto.commit", "false"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf = kafka_conf(group->kafka, settings, error);

    if (conf == NULL)
        return false;
    rd_kafka_conf_set_opaque(conf, group);
    rd_kafka_conf_set_rebalance_cb(conf, rebalance);
    group->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (group->consumer == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(error, FAULT_LOG_FAILED, "group member: %s", text);
    }
    (void)rd_kafka_poll_set_consumer(group->consumer);
    group->queue = rd_kafka_queue_get_consumer(group->consumer);
    kafka_signal(group->kafka, group->queue);
    return true;
}

struct group_port *kafka_group_create(struct log_port *kafka_port,
                                      const struct kafka_group_options *options,
                                      struct error *error)
{
    struct kafka_group *group = calloc(1, sizeof(*group));

    if (group == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "group member");
        return NULL;
    }
    group->group = kafka_group_functions;
    group->kafka = (struct kafka_port *)kafka_port;
    group->topics = options->topics;
    if (!open_consumer(group, options, error))
        return kafka_group_destroy(&group->group);
    return &group->group;
}

struct group_port *kafka_group_destroy(struct group_port *port)
{
    struct kafka_group *group = of(port);

    if (group == NULL)
        return NULL;
    if (group->queue != NULL)
        rd_kafka_queue_destroy(group->queue);
    /* Whoever wants to leave has left; without that the member may come back. */
    if (group->consumer != NULL)
        rd_kafka_destroy_flags(group->consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    while (group->waiting_count > 0)
        drop_oldest(group);
    free(group->shares);
    free(group);
    return NULL;
}
