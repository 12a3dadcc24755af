/* A transactional producer. Its failures all have one way out, that of a crash: a new one, and a
 * look at what the topic holds. */
#include "lib/log/publisher.h"

#include "lib/log/decimal.h"
#include "lib/log/kafka_client.h"
#include "lib/log/public_record.h"
#include "lib/log/public_tail.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_ERROR_SIZE   200
#define TRANSACTION_TIMEOUT "60000"

struct log_publisher {
    struct kafka_port *kafka;
    rd_kafka_t *producer;
    char topic[KAFKA_NAME_SIZE];
    int32_t partition;
    int timeout_ms;
    bool begun; /* a transaction */
};

static bool open_producer(struct log_publisher *publisher,
                          const struct log_publisher_options *options, struct error *error)
{
    char text[CLIENT_ERROR_SIZE], kilobytes[DECIMAL_SIZE_MAX + 1];
    struct text queue = kafka_kilobytes(options->queued_bytes_max, kilobytes + sizeof(kilobytes));
    const struct kafka_setting settings[] = {
        {"transactional.id", options->name},
        {"transaction.timeout.ms", TRANSACTION_TIMEOUT},
        {"message.timeout.ms", TRANSACTION_TIMEOUT},
        {"retry.backoff.ms", "10"},
        {"linger.ms", "1"},
        {"queue.buffering.max.kbytes", queue.bytes},
        {"isolation.level", "read_uncommitted"}, /* of the ends it asks for */
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf = kafka_conf(publisher->kafka, settings, error);

    if (conf == NULL)
        return false;
    publisher->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (publisher->producer != NULL)
        return true;
    rd_kafka_conf_destroy(conf);
    return error_set(error, FAULT_LOG_FAILED, "publisher: %s", text);
}

/* Takes the client's error; NULL is none. */
static bool judge(rd_kafka_error_t *failed, const char *what, struct error *error)
{
    if (failed == NULL)
        return true;
    rd_kafka_resp_err_t code = rd_kafka_error_code(failed);
    bool fenced = code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
                  code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
    error_set(error, fenced ? FAULT_NOT_READY : FAULT_LOG_UNAVAILABLE, "%s: %s", what,
              fenced ? "another process publishes here" : rd_kafka_error_string(failed));
    rd_kafka_error_destroy(failed);
    return false;
}

struct log_publisher *log_publisher_open(struct log_port *kafka_port,
                                         const struct log_publisher_options *options,
                                         struct error *error)
{
    struct log_publisher *publisher = calloc(1, sizeof(*publisher));

    if (publisher == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "publisher");
        return NULL;
    }
    assert(strlen(options->topic) < sizeof(publisher->topic));
    memcpy(publisher->topic, options->topic, strlen(options->topic) + 1);
    publisher->kafka = (struct kafka_port *)kafka_port;
    publisher->partition = options->partition;
    publisher->timeout_ms = options->timeout_ms;
    if (!open_producer(publisher, options, error) ||
        !judge(rd_kafka_init_transactions(publisher->producer, options->timeout_ms),
               "beginning to publish", error))
        return log_publisher_close(publisher);
    return publisher;
}

struct log_publisher *log_publisher_close(struct log_publisher *publisher)
{
    if (publisher == NULL)
        return NULL;
    if (publisher->producer != NULL) {
        (void)rd_kafka_purge(publisher->producer, RD_KAFKA_PURGE_F_QUEUE |
                                                      RD_KAFKA_PURGE_F_INFLIGHT |
                                                      RD_KAFKA_PURGE_F_NON_BLOCKING);
        rd_kafka_destroy(publisher->producer);
    }
    free(publisher);
    return NULL;
}

bool log_publisher_resume(struct log_publisher *publisher, struct log_position *ret_from,
                          struct error *error)
{
    struct public_tail tail = {
        .kafka = publisher->kafka,
        .topic = publisher->topic,
        .partition = publisher->partition,
        .timeout_ms = publisher->timeout_ms,
    };
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(publisher->producer, tail.topic, tail.partition,
                                         &tail.first, &tail.end, publisher->timeout_ms);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(error, FAULT_LOG_UNAVAILABLE, "%s/%d: %s", tail.topic, (int)tail.partition,
                         rd_kafka_err2str(code));
    return public_tail_resume(&tail, ret_from, error);
}

static rd_kafka_resp_err_t produce(struct log_publisher *publisher, const struct log_record *record)
{
    rd_kafka_headers_t *headers = kafka_make_headers(record);
    /* Tags by hand: the macros for them are statement expressions, which C11 has not. */
    rd_kafka_resp_err_t code = rd_kafka_producev(
        publisher->producer, RD_KAFKA_VTYPE_TOPIC, publisher->topic, RD_KAFKA_VTYPE_PARTITION,
        publisher->partition, RD_KAFKA_VTYPE_MSGFLAGS, RD_KAFKA_MSG_F_COPY, RD_KAFKA_VTYPE_KEY,
        record->key.bytes, record->key.size, RD_KAFKA_VTYPE_VALUE, record->value.bytes,
        record->value.size, RD_KAFKA_VTYPE_HEADERS, headers, RD_KAFKA_VTYPE_END);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers);
    return code;
}

/* What waits already is sent before a record that finds no place. */
static bool append(struct log_publisher *publisher, const struct log_record *record,
                   struct error *error)
{
    rd_kafka_resp_err_t code = produce(publisher, record);

    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        (void)rd_kafka_flush(publisher->producer, publisher->timeout_ms);
        code = produce(publisher, record);
    }
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
           error_set(error, FAULT_LOG_UNAVAILABLE, "publishing: %s", rd_kafka_err2str(code));
}

bool log_publisher_append(struct log_publisher *publisher, const struct log_event *events,
                          size_t count, const struct log_mark *commit, struct error *error)
{
    struct public_record copy;

    if (!publisher->begun &&
        !judge(rd_kafka_begin_transaction(publisher->producer), "a transaction", error))
        return false;
    publisher->begun = true;
    for (size_t i = 0; i < count; i++) {
        public_record_write(&events[i], commit, &copy);
        if (!append(publisher, &copy.record, error))
            return false;
    }
    return true;
}

bool log_publisher_commit(struct log_publisher *publisher, struct error *error)
{
    if (!publisher->begun)
        return true;
    publisher->begun = false;
    return judge(rd_kafka_commit_transaction(publisher->producer, publisher->timeout_ms),
                 "committing", error);
}
