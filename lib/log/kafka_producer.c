/* The idempotent producer: appends with prebuilt headers, delivery reports by the thousand, a new
 * producer after a fatal error (librdkafka #4438). Waits for brokers for ever: an outcome is known
 * or not, never guessed by a timeout. */
#include "lib/log/kafka_client.h"

#include "lib/log/decimal.h"
#include <assert.h>
#include <inttypes.h>

#define CLIENT_ERROR_SIZE  200
#define RECORD_BYTES_EXTRA 1024 /* headers and bookkeeping of a record, about */
#define QUEUE_BYTES_EXTRA  ((size_t)64 * 1024 * 1024)

static struct kafka_port *of(const struct log_port *port)
{
    return (struct kafka_port *)port;
}

static rd_kafka_conf_t *producer_conf(const struct kafka_port *kafka, struct error *error)
{
    char kilobytes[DECIMAL_SIZE_MAX + 1];
    /* The port's own limit is reached first, so that commits are refused whole. */
    struct text queue = kafka_kilobytes(kafka->options.queued_bytes_max * 2 + QUEUE_BYTES_EXTRA,
                                        kilobytes + sizeof(kilobytes));
    const struct kafka_setting settings[] = {
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"linger.ms", "0"},
        {"retry.backoff.ms", "10"},
        {"message.timeout.ms", "0"},
        {"compression.type", "none"},
        {"queue.buffering.max.kbytes", queue.bytes},
        {"queue.buffering.max.messages", "2000000"},
        {NULL, NULL},
    };

    return kafka_conf(kafka, settings, error);
}

bool kafka_producer_open(struct kafka_port *kafka, struct error *error)
{
    char text[CLIENT_ERROR_SIZE];
    rd_kafka_conf_t *conf = producer_conf(kafka, error);

    if (conf == NULL)
        return false;
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
    kafka->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (kafka->producer == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(error, FAULT_LOG_FAILED, "producer: %s", text);
    }
    kafka->reports = rd_kafka_queue_get_main(kafka->producer);
    kafka_signal(kafka, kafka->reports);
    kafka->queued_bytes = 0;
    return true;
}

static void close_reports(struct kafka_port *kafka)
{
    if (kafka->report_event != NULL)
        rd_kafka_event_destroy(kafka->report_event);
    if (kafka->reports != NULL)
        rd_kafka_queue_destroy(kafka->reports);
    kafka->report_event = NULL;
    kafka->reports = NULL;
}

static void purge(rd_kafka_t *producer)
{
    (void)rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                       RD_KAFKA_PURGE_F_NON_BLOCKING);
}

void kafka_producer_close(struct kafka_port *kafka)
{
    close_reports(kafka);
    if (kafka->producer != NULL) {
        purge(kafka->producer);
        rd_kafka_destroy(kafka->producer);
    }
    if (kafka->retired != NULL)
        rd_kafka_destroy(kafka->retired);
    kafka->producer = kafka->retired = NULL;
}

bool kafka_producer_open_topic(struct kafka_port *kafka, struct kafka_topic *topic,
                               struct error *error)
{
    rd_kafka_topic_conf_t *conf = rd_kafka_topic_conf_new();

    rd_kafka_topic_conf_set_opaque(conf, topic);
    topic->produced = rd_kafka_topic_new(kafka->producer, topic->name, conf);
    topic->partition_count = 0;
    if (topic->produced == NULL)
        return error_set(error, FAULT_LOG_FAILED, "topic %s: %s", topic->name,
                         rd_kafka_err2str(rd_kafka_last_error()));
    kafka->probe_due_us = 0;
    return true;
}

static void learn_partitions(struct kafka_port *kafka, struct kafka_topic *topic, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata;

    if (rd_kafka_metadata(kafka->producer, 0, topic->produced, &metadata, timeout_ms) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR)
        topic->partition_count = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
}

bool kafka_producer_warm_up(struct kafka_port *kafka, int timeout_ms)
{
    bool warm = true;

    if (kafka->producer == NULL)
        return true;
    for (struct kafka_topic *topic = kafka->topics; topic != NULL; topic = topic->next) {
        if (topic->partition_count == 0 && timeout_ms > 0)
            learn_partitions(kafka, topic, timeout_ms);
        warm = warm && topic->partition_count > 0;
    }
    return warm;
}

static size_t bytes_under_way(size_t key_size, size_t value_size)
{
    return key_size + value_size + RECORD_BYTES_EXTRA;
}

rd_kafka_headers_t *kafka_make_headers(const struct log_record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);

    for (size_t i = 0; i < record->header_count; i++) {
        const struct log_header *header = &record->headers[i];
        (void)rd_kafka_header_add(headers, header->name.bytes, (ssize_t)header->name.size,
                                  header->value.bytes, (ssize_t)header->value.size);
    }
    return headers;
}

static rd_kafka_resp_err_t produce_one(struct kafka_port *kafka, const struct kafka_source *source,
                                       const struct log_record *record, uint64_t token)
{
    rd_kafka_headers_t *headers = kafka_make_headers(record);
    /* Tags by hand: the macros for them are statement expressions, which C11 has not. */
    rd_kafka_resp_err_t code = rd_kafka_producev(
        kafka->producer, RD_KAFKA_VTYPE_RKT, source->topic->produced, RD_KAFKA_VTYPE_PARTITION,
        source->partition, RD_KAFKA_VTYPE_MSGFLAGS, RD_KAFKA_MSG_F_COPY, RD_KAFKA_VTYPE_KEY,
        record->key.bytes, record->key.size, RD_KAFKA_VTYPE_VALUE, record->value.bytes,
        record->value.size, RD_KAFKA_VTYPE_HEADERS, headers, RD_KAFKA_VTYPE_OPAQUE,
        (void *)(uintptr_t)token, RD_KAFKA_VTYPE_END);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers);
    else
        kafka->queued_bytes += bytes_under_way(record->key.size, record->value.size);
    return code;
}

static bool may_produce(struct kafka_port *kafka, const struct kafka_source *source,
                        struct error *error)
{
    if (kafka->producer == NULL || kafka->producer_lost)
        return error_set(error, FAULT_NOT_READY, "no producer");
    if (source->topic->partition_count == 0)
        return error_set(error, FAULT_NOT_READY, "topic %s is not known yet", source->topic->name);
    if (source->partition >= source->topic->partition_count)
        return error_set(error, FAULT_LOG_FAILED, "topic %s has %" PRId32 " partitions",
                         source->topic->name, source->topic->partition_count);
    return true;
}

static bool refused(rd_kafka_resp_err_t code, struct error *error)
{
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return error_set(error, FAULT_OVERLOADED, "the producer's queue is full");
    return error_set(error, code == RD_KAFKA_RESP_ERR__FATAL ? FAULT_NOT_READY : FAULT_LOG_FAILED,
                     "produce: %s", rd_kafka_err2str(code));
}

bool kafka_produce(struct log_port *port, int32_t source, const struct log_record *records,
                   size_t count, uint64_t first_token, struct error *error)
{
    struct kafka_port *kafka = of(port);
    const struct kafka_source *target = &kafka->sources[source];
    size_t bytes = 0;

    assert(source >= 0 && source < kafka->source_count && count <= KAFKA_UNREPORTED_MAX);
    if (!may_produce(kafka, target, error))
        return false;
    for (size_t i = 0; i < count; i++)
        bytes += bytes_under_way(records[i].key.size, records[i].value.size);
    if (kafka->queued_bytes + bytes > kafka->options.queued_bytes_max)
        return error_set(error, FAULT_OVERLOADED, "too many bytes under way");
    if (kafka->unreported_count == KAFKA_UNREPORTED_MAX)
        return error_set(error, FAULT_OVERLOADED, "too many commits broke off");
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = produce_one(kafka, target, &records[i], first_token + i);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        if (i == 0)
            return refused(code, error);
        /* Half a commit is under way: its outcome is unknown, and the reports must say so. */
        kafka->unreported[kafka->unreported_count++] = (struct log_report){
            .kind = LOG_REPORT_UNKNOWN,
            .source = source,
            .token = first_token + i,
            .offset = -1,
        };
        break;
    }
    return true;
}

static struct log_report report_of(struct kafka_port *kafka, const rd_kafka_message_t *message)
{
    const struct kafka_topic *topic = rd_kafka_topic_opaque(message->rkt);
    rd_kafka_timestamp_type_t kind;
    int64_t time_ms = rd_kafka_message_timestamp(message, &kind);
    bool known = message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset >= 0;
    size_t bytes = bytes_under_way(message->key_len, message->len);

    kafka->queued_bytes -= bytes < kafka->queued_bytes ? bytes : kafka->queued_bytes;
    return (struct log_report){
        .kind = known ? LOG_REPORT_APPENDED : LOG_REPORT_UNKNOWN,
        .source = topic->sources[message->partition],
        .token = (uint64_t)(uintptr_t)message->_private,
        .offset = known ? message->offset : -1,
        .append_time_us = kind == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? time_ms * 1000 : 0,
    };
}

/* Hands out what the event still has; lets go of it when it is empty. */
static size_t take_event(struct kafka_port *kafka, struct log_report *ret_reports, size_t max)
{
    size_t count = 0;
    const rd_kafka_message_t *message;

    while (count < max) {
        message = rd_kafka_event_message_next(kafka->report_event);
        if (message == NULL) {
            rd_kafka_event_destroy(kafka->report_event);
            kafka->report_event = NULL;
            break;
        }
        ret_reports[count++] = report_of(kafka, message);
    }
    return count;
}

static size_t take_unreported(struct kafka_port *kafka, struct log_report *ret_reports, size_t max)
{
    size_t count = 0;

    while (count < max && kafka->unreported_count > 0)
        ret_reports[count++] = kafka->unreported[--kafka->unreported_count];
    return count;
}

/* True once for each loss. */
static bool is_loss(struct kafka_port *kafka, rd_kafka_event_t *event)
{
    if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_ERROR ||
        (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR__FATAL &&
         !rd_kafka_event_error_is_fatal(event)))
        return false;
    bool first = !kafka->producer_lost;
    kafka->producer_lost = true;
    return first;
}

size_t kafka_reports(struct log_port *port, struct log_report *ret_reports, size_t max)
{
    struct kafka_port *kafka = of(port);
    size_t count = take_unreported(kafka, ret_reports, max);

    while (count < max && kafka->reports != NULL) {
        if (kafka->report_event == NULL) {
            rd_kafka_event_t *event = rd_kafka_queue_poll(kafka->reports, 0);
            if (event == NULL)
                break;
            if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_DR) {
                if (is_loss(kafka, event))
                    ret_reports[count++] = (struct log_report){.kind = LOG_REPORT_PRODUCER_LOST};
                rd_kafka_event_destroy(event);
                continue;
            }
            kafka->report_event = event;
        }
        count += take_event(kafka, ret_reports + count, max - count);
    }
    return count;
}

bool kafka_recreate_producer(struct log_port *port, struct error *error)
{
    struct kafka_port *kafka = of(port);

    close_reports(kafka);
    if (kafka->producer != NULL) {
        for (struct kafka_topic *topic = kafka->topics; topic != NULL; topic = topic->next) {
            if (topic->produced != NULL)
                rd_kafka_topic_destroy(topic->produced);
            topic->produced = NULL;
        }
        purge(kafka->producer);
        if (kafka->retired != NULL)
            rd_kafka_destroy(kafka->retired);
        kafka->retired = kafka->producer;
        kafka->producer = NULL;
    }
    kafka->unreported_count = 0;
    if (!kafka_producer_open(kafka, error))
        return false;
    for (struct kafka_topic *topic = kafka->topics; topic != NULL; topic = topic->next)
        if (!kafka_producer_open_topic(kafka, topic, error))
            return false;
    kafka->producer_lost = false;
    return true;
}
