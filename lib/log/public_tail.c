/* Reads the end of a partition, and more of it as long as nothing but undone transactions is found:
 * those of a publisher that was killed again and again. */
#include "lib/log/public_tail.h"

#include "lib/core/clock.h"
#include "lib/log/kafka_client.h"
#include "lib/log/public_record.h"
#include <string.h>

#define CLIENT_ERROR_SIZE 200
#define STRETCH_MIN       16
#define STRETCH_FACTOR    16
#define STEP_MS           100

struct looking {
    const struct public_tail *tail;
    rd_kafka_t *consumer;
    rd_kafka_topic_t *topic;
    bool found;
    struct log_position from;
};

static bool open_consumer(struct looking *looking, struct error *error)
{
    static const struct kafka_setting settings[] = {
        {"isolation.level", "read_committed"},
        {"enable.partition.eof", "true"},
        {"auto.offset.reset", "error"},
        {"check.crcs", "true"},
        {"fetch.wait.max.ms", "10"},
        {"queued.max.messages.kbytes", "4096"},
        {NULL, NULL},
    };
    char text[CLIENT_ERROR_SIZE];
    rd_kafka_conf_t *conf = kafka_conf(looking->tail->kafka, settings, error);

    if (conf == NULL)
        return false;
    looking->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (looking->consumer == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(error, FAULT_LOG_FAILED, "consumer: %s", text);
    }
    looking->topic = rd_kafka_topic_new(looking->consumer, looking->tail->topic, NULL);
    return looking->topic != NULL ||
           error_set(error, FAULT_LOG_FAILED, "topic %s", looking->tail->topic);
}

static void close_consumer(struct looking *looking)
{
    if (looking->topic != NULL)
        rd_kafka_topic_destroy(looking->topic);
    if (looking->consumer != NULL)
        rd_kafka_destroy(looking->consumer);
}

/* With a transaction open, more may lie behind it than a consumer is shown. */
static bool is_quiet(const struct looking *looking, struct error *error)
{
    const struct public_tail *tail = looking->tail;
    int64_t first, end;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        looking->consumer, tail->topic, tail->partition, &first, &end, tail->timeout_ms);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(error, FAULT_LOG_UNAVAILABLE, "%s/%d: %s", tail->topic,
                         (int)tail->partition, rd_kafka_err2str(code));
    return end >= tail->end ||
           error_set(error, FAULT_LOG_UNAVAILABLE, "%s/%d: a transaction is open", tail->topic,
                     (int)tail->partition);
}

static struct text find_header(const rd_kafka_headers_t *headers, const char *name)
{
    const void *value;
    size_t size;

    if (rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return (struct text){0};
    return (struct text){.bytes = value, .size = size};
}

/* Anybody's record but a relay's is passed over. */
static bool is_public(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;

    return rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           find_header(headers, PUBLIC_POSITION_HEADER).bytes != NULL;
}

static bool take(struct looking *looking, const rd_kafka_message_t *message, struct error *error)
{
    rd_kafka_headers_t *headers;
    struct public_source source;

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        !public_record_read(find_header(headers, PUBLIC_POSITION_HEADER),
                            find_header(headers, PUBLIC_FENCE_HEADER), &source, error))
        return error_add(error, "at %lld", (long long)message->offset);
    public_record_resume(&source, &looking->from);
    looking->found = true;
    return true;
}

static void keep(rd_kafka_message_t *message, rd_kafka_message_t **newest)
{
    bool is_newer = is_public(message);
    rd_kafka_message_t *spent = is_newer ? *newest : message;

    if (spent != NULL)
        rd_kafka_message_destroy(spent);
    if (is_newer)
        *newest = message;
}

/* True at the end; what was newest on the way is the caller's. */
static bool read_to_end(const struct looking *looking, rd_kafka_message_t **newest)
{
    const struct public_tail *tail = looking->tail;
    int64_t deadline_us = clock_boot_us() + tail->timeout_ms * INT64_C(1000);

    while (clock_boot_us() < deadline_us) {
        rd_kafka_message_t *message = rd_kafka_consume(looking->topic, tail->partition, STEP_MS);
        if (message == NULL)
            continue;
        rd_kafka_resp_err_t code = message->err;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            keep(message, newest);
            continue;
        }
        rd_kafka_message_destroy(message);
        if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            return true;
    }
    return false;
}

static bool read_from(struct looking *looking, int64_t offset, struct error *error)
{
    int32_t partition = looking->tail->partition;
    rd_kafka_message_t *newest = NULL;

    if (rd_kafka_consume_start(looking->topic, partition, offset) != 0)
        return error_set(error, FAULT_LOG_FAILED, "consuming: %s",
                         rd_kafka_err2str(rd_kafka_last_error()));
    bool ok = read_to_end(looking, &newest);
    if (!ok)
        error_set(error, FAULT_LOG_UNAVAILABLE, "%s/%d could not be read to its end",
                  looking->tail->topic, (int)partition);
    else if (newest != NULL)
        ok = take(looking, newest, error);
    if (newest != NULL)
        rd_kafka_message_destroy(newest);
    (void)rd_kafka_consume_stop(looking->topic, partition);
    return ok;
}

static bool look(struct looking *looking, struct error *error)
{
    const struct public_tail *tail = looking->tail;
    int64_t stretch = STRETCH_MIN, offset = tail->end;

    while (!looking->found && offset > tail->first) {
        offset = tail->end - tail->first > stretch ? tail->end - stretch : tail->first;
        stretch *= STRETCH_FACTOR;
        if (!read_from(looking, offset, error))
            return false;
    }
    if (!looking->found && tail->first > 0)
        return error_set(error, FAULT_DATA_CORRUPT,
                         "%s/%d: its records are gone, and with them how far it had come",
                         tail->topic, (int)tail->partition);
    return true;
}

bool public_tail_resume(const struct public_tail *tail, struct log_position *ret_from,
                        struct error *error)
{
    struct looking looking = {.tail = tail};

    log_position_start(&looking.from);
    bool ok = open_consumer(&looking, error) && is_quiet(&looking, error) && look(&looking, error);
    close_consumer(&looking);
    if (ok)
        *ret_from = looking.from;
    return ok;
}
