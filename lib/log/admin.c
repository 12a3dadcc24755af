/* librdkafka's metadata, offset and group requests, one blocking call each. */
#include "lib/log/admin.h"

#include "lib/log/position.h"
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_TEXT_SIZE 200

struct log_admin {
    char *brokers;
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    int timeout_ms;
};

struct log_admin *log_admin_open(const char *brokers, int timeout_ms, struct error *error)
{
    char text[ERROR_TEXT_SIZE];
    struct log_admin *admin = calloc(1, sizeof(*admin));
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    if (admin == NULL || (admin->brokers = strdup(brokers)) == NULL) {
        rd_kafka_conf_destroy(conf);
        error_set(error, FAULT_OUT_OF_MEMORY, "asking the broker");
        return log_admin_close(admin);
    }
    admin->timeout_ms = timeout_ms;
    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text)) ==
            RD_KAFKA_CONF_OK &&
        rd_kafka_conf_set(conf, "log_level", "0", text, sizeof(text)) == RD_KAFKA_CONF_OK)
        admin->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (admin->client == NULL) {
        rd_kafka_conf_destroy(conf);
        error_set(error, FAULT_CONFIG_INVALID, "%s", text);
        return log_admin_close(admin);
    }
    admin->queue = rd_kafka_queue_new(admin->client);
    return admin;
}

struct log_admin *log_admin_close(struct log_admin *admin)
{
    if (admin == NULL)
        return NULL;
    if (admin->queue != NULL)
        rd_kafka_queue_destroy(admin->queue);
    if (admin->client != NULL)
        rd_kafka_destroy(admin->client);
    free(admin->brokers);
    free(admin);
    return NULL;
}

static bool unavailable(const struct log_admin *admin, struct error *error, const char *what,
                        rd_kafka_resp_err_t code)
{
    return error_set(error, FAULT_LOG_UNAVAILABLE, "asking %s: %s: %s", admin->brokers, what,
                     rd_kafka_err2str(code));
}

bool log_admin_topics(struct log_admin *admin, log_topic_visitor *visit, void *self,
                      struct error *error)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(admin->client, 1, NULL, &metadata, admin->timeout_ms);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return unavailable(admin, error, "listing topics", code);
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];
        if (strncmp(topic->topic, "__", 2) != 0 && !visit(self, topic->topic, topic->partition_cnt))
            break;
    }
    rd_kafka_metadata_destroy(metadata);
    return true;
}

struct sought_topic {
    const char *name;
    int32_t partition_count; /* 0: not found */
};

static bool is_sought(void *self, const char *topic, int32_t partition_count)
{
    struct sought_topic *sought = self;

    if (strcmp(topic, sought->name) != 0)
        return true;
    sought->partition_count = partition_count;
    return false;
}

bool log_admin_partition_count(struct log_admin *admin, const char *topic, int32_t *ret_count,
                               struct error *error)
{
    struct sought_topic sought = {.name = topic};

    if (!log_admin_topics(admin, is_sought, &sought, error))
        return false;
    if (sought.partition_count == 0)
        return error_set(error, FAULT_LOG_FAILED, "there is no topic %s", topic);
    *ret_count = sought.partition_count;
    return true;
}

bool log_admin_span(struct log_admin *admin, const struct log_place *place,
                    struct log_span *ret_span, struct error *error)
{
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(admin->client, place->topic, place->partition,
                                         &ret_span->first, &ret_span->end, admin->timeout_ms);

    return code == RD_KAFKA_RESP_ERR_NO_ERROR || unavailable(admin, error, place->topic, code);
}

bool log_admin_find_time(struct log_admin *admin, const struct log_place *place, int64_t time_us,
                         int64_t *ret_offset, struct error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    struct log_span span;

    /* The log counts milliseconds: the first one that is not before. */
    rd_kafka_topic_partition_list_add(list, place->topic, place->partition)->offset =
        (time_us + 999) / 1000;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(admin->client, list, admin->timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = list->elems[0].err;
    int64_t offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return unavailable(admin, error, place->topic, code);
    if (offset < 0) {
        if (!log_admin_span(admin, place, &span, error))
            return false;
        offset = span.end;
    }
    *ret_offset = offset;
    return true;
}

static rd_kafka_topic_partition_list_t *partitions_of(const struct log_group *group,
                                                      const int64_t *offsets)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(group->partition_count);

    for (int32_t i = 0; i < group->partition_count; i++)
        if (offsets == NULL)
            rd_kafka_topic_partition_list_add(list, group->topic, i);
        else if (offsets[i] != LOG_OFFSET_NONE)
            rd_kafka_topic_partition_list_add(list, group->topic, i)->offset = offsets[i];
    return list;
}

static rd_kafka_AdminOptions_t *options_of(struct log_admin *admin, rd_kafka_admin_op_t operation)
{
    char text[ERROR_TEXT_SIZE];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->client, operation);

    (void)rd_kafka_AdminOptions_set_request_timeout(options, admin->timeout_ms, text, sizeof(text));
    return options;
}

/* Takes the event's first group apart: its own error, then each partition's. */
static bool read_group(const rd_kafka_group_result_t *result, struct error *error)
{
    const rd_kafka_error_t *failed = rd_kafka_group_result_error(result);
    const char *name = rd_kafka_group_result_name(result);

    if (failed != NULL)
        return error_set(error, FAULT_LOG_FAILED, "group %s: %s", name,
                         rd_kafka_error_string(failed));
    const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(result);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        if (one->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return error_set(error, FAULT_LOG_FAILED, "group %s, partition %d: %s", name,
                             (int)one->partition, rd_kafka_err2str(one->err));
    }
    return true;
}

static rd_kafka_event_t *await(struct log_admin *admin, const char *group, struct error *error)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(admin->queue, admin->timeout_ms + 1000);

    if (event == NULL) {
        error_set(error, FAULT_LOG_UNAVAILABLE, "group %s: no answer", group);
        return NULL;
    }
    if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return event;
    error_set(error, FAULT_LOG_UNAVAILABLE, "group %s: %s", group,
              rd_kafka_event_error_string(event));
    rd_kafka_event_destroy(event);
    return NULL;
}

/* librdkafka 2.0.2 crashes on the answer to its own request for a group's offsets
 * (rd_kafka_ListConsumerGroupOffsets): a consumer that joins nothing asks instead. */
static rd_kafka_t *open_consumer(const struct log_admin *admin, const char *group,
                                 struct error *error)
{
    char text[ERROR_TEXT_SIZE];
    rd_kafka_t *client = NULL;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    if (rd_kafka_conf_set(conf, "bootstrap.servers", admin->brokers, text, sizeof(text)) ==
            RD_KAFKA_CONF_OK &&
        rd_kafka_conf_set(conf, "log_level", "0", text, sizeof(text)) == RD_KAFKA_CONF_OK &&
        rd_kafka_conf_set(conf, "group.id", group, text, sizeof(text)) == RD_KAFKA_CONF_OK)
        client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        error_set(error, FAULT_CONFIG_INVALID, "group %s: %s", group, text);
    }
    return client;
}

bool log_admin_group_offsets(struct log_admin *admin, const struct log_group *group,
                             int64_t *ret_offsets, struct error *error)
{
    rd_kafka_t *client = open_consumer(admin, group->name, error);

    if (client == NULL)
        return false;
    rd_kafka_topic_partition_list_t *list = partitions_of(group, NULL);
    rd_kafka_resp_err_t code = rd_kafka_committed(client, list, admin->timeout_ms);
    for (int i = 0; i < list->cnt; i++)
        ret_offsets[list->elems[i].partition] =
            list->elems[i].offset < 0 ? LOG_OFFSET_NONE : list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || unavailable(admin, error, group->name, code);
}

bool log_admin_move_group(struct log_admin *admin, const struct log_group *group,
                          const int64_t *offsets, struct error *error)
{
    rd_kafka_topic_partition_list_t *list = partitions_of(group, offsets);
    rd_kafka_AlterConsumerGroupOffsets_t *request =
        rd_kafka_AlterConsumerGroupOffsets_new(group->name, list);
    rd_kafka_AdminOptions_t *options =
        options_of(admin, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
    size_t count;

    rd_kafka_AlterConsumerGroupOffsets(admin->client, &request, 1, options, admin->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_AlterConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_event_t *event = await(admin, group->name, error);
    if (event == NULL)
        return false;
    const rd_kafka_group_result_t **results = rd_kafka_AlterConsumerGroupOffsets_result_groups(
        rd_kafka_event_AlterConsumerGroupOffsets_result(event), &count);
    bool ok = count == 1 && read_group(results[0], error);
    rd_kafka_event_destroy(event);
    return ok;
}
