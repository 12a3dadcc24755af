/* What reading a topic costs at the least: consume every record of every partition from its
 * beginning, look at one header, and walk the Avro bytes of events into structs. The reference for
 * rebuilding a view. Prints one JSON object. */
#include "tests/bench/latencies.h"

#include "lib/record/avro.h"
#include "schemas/contexts.h"

#include <err.h>
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH_MAX       1000
#define BATCH_MS        20
#define PATIENCE_MS     10000
#define ARENA_BYTES_MAX ((size_t)1024 * 1024)

struct reading {
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    const struct context *context;
    struct arena arena;
    int partitions, ended;
    long long records, events;
};

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[512];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
        errx(EXIT_FAILURE, "%s", why);
}

static void open_consumer(struct reading *reading, const char *brokers, const char *topic)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(reading->partitions);
    char why[512];

    set(conf, "bootstrap.servers", brokers);
    set(conf, "group.id", "bench");
    set(conf, "enable.auto.commit", "false");
    set(conf, "enable.partition.eof", "true");
    set(conf, "check.crcs", "true");
    set(conf, "queued.max.messages.kbytes", "32768");
    reading->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    if (reading->consumer == NULL)
        errx(EXIT_FAILURE, "%s", why);
    for (int i = 0; i < reading->partitions; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    if (rd_kafka_assign(reading->consumer, list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        errx(EXIT_FAILURE, "assign");
    rd_kafka_topic_partition_list_destroy(list);
    reading->queue = rd_kafka_queue_get_consumer(reading->consumer);
}

static void walk(struct reading *reading, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const void *fence;
    size_t fence_size;
    uint32_t schema_id;
    struct error error = {0};

    reading->records++;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, "ce_fence", &fence, &fence_size) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        !avro_frame(message->payload, message->len, &schema_id))
        return;
    const struct record *record = avro_find_record(reading->context->events, schema_id);
    if (record == NULL)
        return;
    arena_reset(&reading->arena);
    void *value = arena_alloc(&reading->arena, record->size);
    const struct text payload = {message->payload, message->len};
    if (value == NULL || !avro_decode_framed(record, payload, &reading->arena, value, &error))
        errx(EXIT_FAILURE, "offset %lld: %s", (long long)message->offset, error.detail);
    reading->events++;
}

static void take(struct reading *reading, rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        reading->ended++;
    else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        errx(EXIT_FAILURE, "%s", rd_kafka_message_errstr(message));
    else
        walk(reading, message);
    rd_kafka_message_destroy(message);
}

/* A batch waits until it is full or its time is up. */
static void read_all(struct reading *reading)
{
    rd_kafka_message_t *messages[BATCH_MAX];
    int64_t heard_ns = now_ns();

    while (reading->ended < reading->partitions) {
        ssize_t count = rd_kafka_consume_batch_queue(reading->queue, BATCH_MS, messages, BATCH_MAX);
        if (count > 0)
            heard_ns = now_ns();
        else if (now_ns() - heard_ns > PATIENCE_MS * INT64_C(1000000))
            errx(EXIT_FAILURE, "nothing came for %d ms", PATIENCE_MS);
        for (ssize_t i = 0; i < count; i++)
            take(reading, messages[i]);
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"brokers", required_argument, NULL, 'b'},
                                            {"topic", required_argument, NULL, 't'},
                                            {"context", required_argument, NULL, 'c'},
                                            {"partitions", required_argument, NULL, 'p'},
                                            {0}};
    struct reading reading = {0};
    const char *brokers = NULL, *topic = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (option) {
        case 'b': brokers = optarg; break;
        case 't': topic = optarg; break;
        case 'c': reading.context = context_find(optarg); break;
        case 'p': reading.partitions = atoi(optarg); break;
        default: return EXIT_FAILURE;
        }
    if (brokers == NULL || topic == NULL || reading.context == NULL || reading.partitions < 1)
        errx(EXIT_FAILURE, "--brokers, --topic, --context and --partitions are needed");
    arena_init(&reading.arena, ARENA_BYTES_MAX);
    int64_t began_ns = now_ns();
    open_consumer(&reading, brokers, topic);
    read_all(&reading);
    double seconds = (double)(now_ns() - began_ns) / 1e9;
    printf("{\"records\":%lld,\"events\":%lld,\"seconds\":%.3f,\"rate\":%.0f}\n", reading.records,
           reading.events, seconds, (double)reading.records / seconds);
    rd_kafka_queue_destroy(reading.queue);
    rd_kafka_consumer_close(reading.consumer);
    rd_kafka_destroy(reading.consumer);
    arena_done(&reading.arena);
    return EXIT_SUCCESS;
}
