/* Topics over librdkafka's admin client: create what is missing, compare what is there. */
#include "lib/log/topics.h"

#include "lib/core/clock.h"
#include "lib/log/decimal.h"
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <string.h>
#include <time.h>

#define ERROR_TEXT_SIZE 200
#define SETTINGS_MAX    8

struct setting {
    const char *name;
    const char *value;
    bool compared; /* of a topic that exists already */
};

struct settings {
    struct setting entries[SETTINGS_MAX];
    size_t count;
    char replicas[DECIMAL_SIZE_MAX + 1]; /* what min.insync.replicas points to */
};

struct admin {
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    int timeout_ms;
};

static void admin_close(struct admin *admin)
{
    if (admin->queue != NULL)
        rd_kafka_queue_destroy(admin->queue);
    if (admin->client != NULL)
        rd_kafka_destroy(admin->client);
}

static bool admin_open(struct admin *admin, const char *brokers, struct error *error)
{
    char text[ERROR_TEXT_SIZE];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text)) !=
            RD_KAFKA_CONF_OK ||
        rd_kafka_conf_set(conf, "log_level", "0", text, sizeof(text)) != RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        return error_set(error, FAULT_CONFIG_INVALID, "%s", text);
    }
    admin->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (admin->client == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(error, FAULT_LOG_FAILED, "%s", text);
    }
    admin->queue = rd_kafka_queue_new(admin->client);
    return true;
}

static void list_settings(const struct log_topic_options *options, struct settings *ret_settings)
{
    char *end = ret_settings->replicas + sizeof(ret_settings->replicas) - 1;
    int32_t replicas = options->replication_factor > 2 ? options->replication_factor - 1 : 1;
    size_t count = 0;

    *end = '\0';
    ret_settings->entries[count++] =
        (struct setting){"message.timestamp.type", "LogAppendTime", true};
    ret_settings->entries[count++] =
        (struct setting){"cleanup.policy", options->compacted ? "compact" : "delete", true};
    if (options->compacted) { /* soon, so that who reads it all at a start reads little */
        ret_settings->entries[count++] = (struct setting){"segment.ms", "600000", false};
        ret_settings->entries[count++] =
            (struct setting){"min.cleanable.dirty.ratio", "0.1", false};
    } else {
        ret_settings->entries[count++] = (struct setting){"retention.ms", "-1", true};
        ret_settings->entries[count++] = (struct setting){"retention.bytes", "-1", true};
    }
    ret_settings->entries[count++] =
        (struct setting){"min.insync.replicas", decimal_print(end, replicas), false};
    if (options->flush_every_append)
        ret_settings->entries[count++] = (struct setting){"flush.messages", "1", false};
    ret_settings->count = count;
}

static rd_kafka_AdminOptions_t *admin_options(struct admin *admin, rd_kafka_admin_op_t operation)
{
    char text[ERROR_TEXT_SIZE];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->client, operation);

    (void)rd_kafka_AdminOptions_set_request_timeout(options, admin->timeout_ms, text, sizeof(text));
    return options;
}

/* NULL and an error when nothing came in time, or the whole request failed. */
static rd_kafka_event_t *await(struct admin *admin, const char *what, struct error *error)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(admin->queue, admin->timeout_ms + 1000);

    if (event == NULL) {
        error_set(error, FAULT_LOG_UNAVAILABLE, "%s: no answer", what);
        return NULL;
    }
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        error_set(error, FAULT_LOG_UNAVAILABLE, "%s: %s", what, rd_kafka_event_error_string(event));
        rd_kafka_event_destroy(event);
        return NULL;
    }
    return event;
}

static rd_kafka_NewTopic_t *new_topic(const char *name, const struct log_topic_options *options,
                                      struct error *error)
{
    char text[ERROR_TEXT_SIZE];
    struct settings settings;
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
        name, options->partition_count, options->replication_factor, text, sizeof(text));

    if (topic == NULL) {
        error_set(error, FAULT_CONFIG_INVALID, "topic %s: %s", name, text);
        return NULL;
    }
    list_settings(options, &settings);
    for (size_t i = 0; i < settings.count; i++)
        (void)rd_kafka_NewTopic_set_config(topic, settings.entries[i].name,
                                           settings.entries[i].value);
    return topic;
}

static bool compare_setting(const char *topic, const struct setting *wanted,
                            const rd_kafka_ConfigEntry_t *const *entries, size_t count,
                            struct error *error)
{
    for (size_t i = 0; wanted->compared && i < count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), wanted->name) != 0)
            continue;
        if (value == NULL || strcmp(value, wanted->value) != 0)
            return error_set(error, FAULT_LOG_FAILED, "topic %s has %s=%s, not %s", topic,
                             wanted->name, value == NULL ? "(none)" : value, wanted->value);
    }
    return true;
}

static bool compare_described(const char *topic, const rd_kafka_event_t *event,
                              const struct log_topic_options *options, struct error *error)
{
    struct settings settings;
    size_t resources, count;
    const rd_kafka_ConfigResource_t **described = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result((rd_kafka_event_t *)event), &resources);

    if (resources != 1 || rd_kafka_ConfigResource_error(described[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(error, FAULT_LOG_UNAVAILABLE, "topic %s cannot be described", topic);
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(described[0], &count);
    list_settings(options, &settings);
    for (size_t i = 0; i < settings.count; i++)
        if (!compare_setting(topic, &settings.entries[i], entries, count, error))
            return false;
    return true;
}

static bool compare_settings(struct admin *admin, const char *topic,
                             const struct log_topic_options *options, struct error *error)
{
    rd_kafka_AdminOptions_t *request = admin_options(admin, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);

    rd_kafka_DescribeConfigs(admin->client, &resource, 1, request, admin->queue);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_AdminOptions_destroy(request);
    rd_kafka_event_t *event = await(admin, "describing topics", error);
    if (event == NULL)
        return false;
    bool ok = compare_described(topic, event, options, error);
    rd_kafka_event_destroy(event);
    return ok;
}

/* All partitions, or those that have a leader; -1 and an error if the broker does not say. */
static int count_partitions(struct admin *admin, const char *topic, bool led, struct error *error)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(admin->client, topic, NULL);
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(admin->client, 0, handle, &metadata, admin->timeout_ms);
    int count = 0;

    rd_kafka_topic_destroy(handle);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        error_set(error, FAULT_LOG_UNAVAILABLE, "topic %s: %s", topic, rd_kafka_err2str(code));
        return -1;
    }
    for (int i = 0; metadata->topic_cnt == 1 && i < metadata->topics[0].partition_cnt; i++)
        count += !led || metadata->topics[0].partitions[i].leader >= 0;
    rd_kafka_metadata_destroy(metadata);
    return count;
}

static bool compare_count(struct admin *admin, const char *topic, int32_t wanted,
                          struct error *error)
{
    int found = count_partitions(admin, topic, false, error);

    if (found < 0)
        return false;
    if (found != wanted)
        return error_set(error, FAULT_LOG_FAILED, "topic %s has %d partitions, not %" PRId32, topic,
                         found, wanted);
    return true;
}

/* A topic just created is not known everywhere at once; who looks too early waits a second more. */
static bool await_partitions(struct admin *admin, const char *topic, int32_t wanted,
                             struct error *error)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    int64_t deadline_us = clock_boot_us() + (int64_t)admin->timeout_ms * 1000;

    for (;;) {
        int found = count_partitions(admin, topic, true, error);
        if (found == wanted)
            return true;
        if (found < 0)
            return false;
        if (clock_boot_us() > deadline_us)
            return error_set(error, FAULT_LOG_UNAVAILABLE, "topic %s is not ready", topic);
        nanosleep(&pause, NULL);
    }
}

static bool compare(struct admin *admin, const char *topic, const struct log_topic_options *options,
                    struct error *error)
{
    return compare_count(admin, topic, options->partition_count, error) &&
           compare_settings(admin, topic, options, error);
}

static bool judge_created(struct admin *admin, const rd_kafka_event_t *event,
                          const struct log_topic_options *options, struct error *error)
{
    size_t count;
    const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result((rd_kafka_event_t *)event), &count);

    for (size_t i = 0; i < count; i++) {
        const char *name = rd_kafka_topic_result_name(results[i]);
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            if (!await_partitions(admin, name, options->partition_count, error))
                return false;
            continue;
        }
        if (code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            return error_set(error, FAULT_LOG_FAILED, "creating topic %s: %s", name,
                             rd_kafka_err2str(code));
        if (!compare(admin, name, options, error))
            return false;
    }
    return true;
}

static bool create_one(struct admin *admin, const char *name,
                       const struct log_topic_options *options, struct error *error)
{
    rd_kafka_NewTopic_t *topic = new_topic(name, options, error);
    if (topic == NULL)
        return false;
    rd_kafka_AdminOptions_t *request = admin_options(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS);

    rd_kafka_CreateTopics(admin->client, &topic, 1, request, admin->queue);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_AdminOptions_destroy(request);
    rd_kafka_event_t *event = await(admin, "creating topics", error);
    if (event == NULL)
        return false;
    bool ok = judge_created(admin, event, options, error);
    rd_kafka_event_destroy(event);
    return ok;
}

bool log_topics_create(const char *brokers, const char *const *names, size_t count,
                       const struct log_topic_options *options, int timeout_ms, struct error *error)
{
    struct admin admin = {.timeout_ms = timeout_ms};
    bool ok = admin_open(&admin, brokers, error);

    for (size_t i = 0; ok && i < count; i++)
        ok = create_one(&admin, names[i], options, error);
    admin_close(&admin);
    return ok;
}
