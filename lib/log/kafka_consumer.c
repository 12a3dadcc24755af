/* The consumer: partitions fetched one by one into one queue, without a group. Uses librdkafka's
 * partition interface (rd_kafka_consume_start_queue): a fetch starts anywhere and stops at once,
 * nothing is committed, and what a stopped fetch had queued is dropped by version. */
#include "lib/log/kafka_client.h"

#include "lib/core/clock.h"
#include "lib/log/decimal.h"
#include <assert.h>
#include <string.h>

#define CLIENT_ERROR_SIZE 200
#define FETCH_BYTES_MAX   (1024 * 1024)

static struct kafka_port *of(const struct log_port *port)
{
    return (struct kafka_port *)port;
}

bool kafka_consumer_open(struct kafka_port *kafka, struct error *error)
{
    char text[CLIENT_ERROR_SIZE], kilobytes[DECIMAL_SIZE_MAX + 1];
    char most[DECIMAL_SIZE_MAX + 1];
    struct text queue =
        kafka_kilobytes(kafka->options.fetched_bytes_max, kilobytes + sizeof(kilobytes));
    int64_t fetch_bytes_max = (int64_t)kafka->options.fetch_bytes_max;
    most[DECIMAL_SIZE_MAX] = '\0';
    const struct kafka_setting settings[] = {
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"enable.partition.eof", "true"},
        {"auto.offset.reset", "error"},
        {"check.crcs", "true"},
        {"isolation.level", kafka->options.committed ? "read_committed" : "read_uncommitted"},
        {"fetch.wait.max.ms", KAFKA_FETCH_WAIT_MS},
        {"fetch.min.bytes", "1"},
        {"fetch.message.max.bytes",
         decimal_print(most + DECIMAL_SIZE_MAX,
                       fetch_bytes_max > 0 ? fetch_bytes_max : FETCH_BYTES_MAX)},
        {"fetch.error.backoff.ms", "20"},
        {"queued.max.messages.kbytes", queue.bytes},
        {"queued.min.messages", "100000"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf = kafka_conf(kafka, settings, error);

    if (conf == NULL)
        return false;
    if (!kafka_space_fetches(kafka, conf, error)) {
        rd_kafka_conf_destroy(conf);
        return false;
    }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_ERROR);
    kafka->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (kafka->consumer == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(error, FAULT_LOG_FAILED, "consumer: %s", text);
    }
    kafka->messages = rd_kafka_queue_new(kafka->consumer);
    kafka->consumer_errors = rd_kafka_queue_get_main(kafka->consumer);
    kafka_signal(kafka, kafka->messages);
    return true;
}

void kafka_consumer_close(struct kafka_port *kafka)
{
    if (kafka->messages != NULL)
        rd_kafka_queue_destroy(kafka->messages);
    if (kafka->consumer_errors != NULL)
        rd_kafka_queue_destroy(kafka->consumer_errors);
    if (kafka->consumer != NULL)
        rd_kafka_destroy(kafka->consumer);
}

bool kafka_consumer_open_topic(struct kafka_port *kafka, struct kafka_topic *topic,
                               struct error *error)
{
    rd_kafka_topic_conf_t *conf = rd_kafka_topic_conf_new();
    char text[CLIENT_ERROR_SIZE];

    rd_kafka_topic_conf_set_opaque(conf, topic);
    if (rd_kafka_topic_conf_set(conf, "auto.offset.reset", "error", text, sizeof(text)) !=
        RD_KAFKA_CONF_OK) {
        rd_kafka_topic_conf_destroy(conf);
        return error_set(error, FAULT_CONFIG_INVALID, "%s", text);
    }
    topic->consumed = rd_kafka_topic_new(kafka->consumer, topic->name, conf);
    if (topic->consumed == NULL)
        return error_set(error, FAULT_LOG_FAILED, "topic %s: %s", topic->name,
                         rd_kafka_err2str(rd_kafka_last_error()));
    kafka->topics_known = false;
    kafka->probe_due_us = 0;
    return true;
}

/* Errors say that something was wrong, nothing says that it is right again: doubt, then ask. */
static void drain_errors(struct kafka_port *kafka)
{
    rd_kafka_event_t *event;

    while ((event = rd_kafka_queue_poll(kafka->consumer_errors, 0)) != NULL) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR)
            kafka->connected = false;
        rd_kafka_event_destroy(event);
    }
}

static bool knows_all(const struct rd_kafka_metadata *metadata)
{
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (metadata->topics[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return false;
    return true;
}

static void start(struct kafka_port *kafka, struct kafka_source *source)
{
    int64_t offset = source->at == LOG_OFFSET_FIRST ? RD_KAFKA_OFFSET_BEGINNING : source->at;

    /* Fails on arguments only, and these are the port's own. */
    int code = rd_kafka_consume_start_queue(source->topic->consumed, source->partition, offset,
                                            kafka->messages);
    assert(code == 0);
}

/* Started before its leader is known, a fetch would be tried again only half a second later. */
static void start_deferred(struct kafka_port *kafka)
{
    for (int32_t i = 0; i < kafka->source_count; i++) {
        struct kafka_source *source = &kafka->sources[i];
        if (!source->deferred)
            continue;
        source->deferred = false;
        start(kafka, source);
    }
}

/* Asking makes the client look, too: by itself it tries a topic it did not find once a second. */
void kafka_consumer_probe(struct kafka_port *kafka, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata;

    if (rd_kafka_metadata(kafka->consumer, 0, NULL, &metadata, timeout_ms) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    kafka->topics_known = knows_all(metadata);
    rd_kafka_metadata_destroy(metadata);
    drain_errors(kafka);
    kafka->connected = true;
    if (kafka->topics_known)
        start_deferred(kafka);
}

void kafka_fetch_stop(struct log_port *port, int32_t source)
{
    struct kafka_source *stopped = &of(port)->sources[source];

    if (stopped->fetch == 0)
        return;
    if (!stopped->deferred)
        (void)rd_kafka_consume_stop(stopped->topic->consumed, stopped->partition);
    stopped->deferred = false;
    stopped->fetch = 0;
}

uint64_t kafka_fetch(struct log_port *port, int32_t source, int64_t offset)
{
    struct kafka_port *kafka = of(port);
    struct kafka_source *fetched = &kafka->sources[source];

    kafka_fetch_stop(port, source);
    fetched->fetch = ++kafka->fetches;
    fetched->at = offset;
    fetched->deferred = !kafka->topics_known;
    if (!fetched->deferred)
        start(kafka, fetched);
    return fetched->fetch;
}

static void restart(struct kafka_port *kafka, struct kafka_source *source)
{
    (void)rd_kafka_consume_stop(source->topic->consumed, source->partition);
    start(kafka, source);
}

static bool says_out_of_range(const rd_kafka_message_t *message)
{
    const char *text = rd_kafka_message_errstr(message);

    return message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
           (text != NULL &&
            strstr(text, rd_kafka_err2str(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)) != NULL);
}

/* What the consumer says instead of a record. False: nothing that concerns the reader. */
static bool read_notice(struct kafka_port *kafka, const rd_kafka_message_t *message,
                        struct kafka_source *source, struct log_message *ret_message)
{
    ret_message->offset = message->offset;
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        ret_message->kind = LOG_MESSAGE_END;
        source->at = message->offset;
        kafka->connected = true;
        return true;
    case RD_KAFKA_RESP_ERR__BAD_MSG: ret_message->kind = LOG_MESSAGE_DAMAGED; return true;
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        if (!says_out_of_range(message)) {
            restart(kafka, source); /* it has given up for a passing reason */
            return false;
        }
        ret_message->kind = LOG_MESSAGE_OUT_OF_RANGE;
        return true;
    default: kafka->connected = false; return false;
    }
}

static bool read_message(struct kafka_port *kafka, rd_kafka_message_t *message,
                         struct log_message *ret_message)
{
    const struct kafka_topic *topic = rd_kafka_topic_opaque(message->rkt);
    int32_t number = topic->sources[message->partition];
    struct kafka_source *source = &kafka->sources[number];
    rd_kafka_timestamp_type_t time_kind;
    rd_kafka_headers_t *headers;

    *ret_message = (struct log_message){.source = number, .fetch = source->fetch};
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return source->fetch != 0 && read_notice(kafka, message, source, ret_message);
    ret_message->kind = LOG_MESSAGE_RECORD;
    ret_message->offset = message->offset;
    ret_message->append_time_us = rd_kafka_message_timestamp(message, &time_kind) * 1000;
    ret_message->key = (struct text){.bytes = message->key, .size = message->key_len};
    ret_message->value = (struct text){.bytes = message->payload, .size = message->len};
    ret_message->handle = message;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        ret_message->headers = headers;
    source->at = message->offset + 1;
    kafka->connected = true;
    return true;
}

size_t kafka_poll(struct log_port *port, struct log_message *ret_messages, size_t max)
{
    struct kafka_port *kafka = of(port);
    size_t wanted = max < KAFKA_BATCH_MAX ? max : KAFKA_BATCH_MAX, count = 0;

    drain_errors(kafka);
    ssize_t got = rd_kafka_consume_batch_queue(kafka->messages, 0, kafka->batch, wanted);
    kafka_note_room(kafka);
    for (ssize_t i = 0; i < got; i++) {
        if (!read_message(kafka, kafka->batch[i], &ret_messages[count]))
            rd_kafka_message_destroy(kafka->batch[i]);
        else if (ret_messages[count++].handle == NULL)
            rd_kafka_message_destroy(kafka->batch[i]);
    }
    return count;
}

bool kafka_header(const struct log_port *port, const struct log_message *message, size_t index,
                  struct log_header *ret_header)
{
    const char *name;
    const void *value;
    size_t size;

    (void)port;
    if (message->headers == NULL || rd_kafka_header_get_all(message->headers, index, &name, &value,
                                                            &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    *ret_header = (struct log_header){
        .name = text_of(name),
        .value = {.bytes = value, .size = size},
    };
    return true;
}

void kafka_release(struct log_port *port, struct log_message *message)
{
    (void)port;
    if (message->handle == NULL)
        return;
    rd_kafka_message_destroy(message->handle);
    message->handle = NULL;
}

int64_t kafka_end(const struct log_port *port, int32_t source)
{
    const struct kafka_port *kafka = of(port);
    const struct kafka_source *asked = &kafka->sources[source];
    int64_t low, high;

    if (rd_kafka_get_watermark_offsets(kafka->consumer, asked->topic->name, asked->partition, &low,
                                       &high) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return -1;
    return high < 0 ? -1 : high;
}
