/* What the broker itself can do: an idempotent producer with N records outstanding, shaped like
 * real events. The reference for commands over HTTP; knows nothing of the product. Prints one JSON
 * object. */
#include "tests/bench/latencies.h"

#include <err.h>
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 32
#define NAME_SIZE   9 /* the mean of the real ones */
#define WARM_UP_S   1

struct plan {
    const char *brokers, *topic;
    int outstanding, partitions, headers, header_bytes, value_bytes;
    double seconds;
};

struct flight {
    const struct plan *plan;
    rd_kafka_t *producer;
    rd_kafka_topic_t *topic;
    int64_t *sent_ns; /* a slot for each outstanding record */
    int *free_slots;
    int free_count;
    int32_t next_partition;
    char *header_value, *value;
    int64_t measured_from_ns, end_ns;
    struct latencies latencies;
};

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct flight *flight = opaque;
    int slot = (int)(intptr_t)message->_private;
    int64_t now = now_ns();
    (void)producer;

    if (message->err)
        errx(EXIT_FAILURE, "delivery: %s", rd_kafka_err2str(message->err));
    if (now >= flight->measured_from_ns && now < flight->end_ns)
        latencies_add(&flight->latencies, now - flight->sent_ns[slot]);
    flight->free_slots[flight->free_count++] = slot;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[512];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
        errx(EXIT_FAILURE, "%s", why);
}

static void open_producer(struct flight *flight)
{
    const struct plan *plan = flight->plan;
    const struct rd_kafka_metadata *metadata;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[512];

    set(conf, "bootstrap.servers", plan->brokers);
    set(conf, "enable.idempotence", "true");
    set(conf, "acks", "all");
    set(conf, "linger.ms", "0");
    set(conf, "socket.nagle.disable", "true");
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_opaque(conf, flight);
    flight->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (flight->producer == NULL)
        errx(EXIT_FAILURE, "%s", why);
    flight->topic = rd_kafka_topic_new(flight->producer, plan->topic, NULL);
    rd_kafka_resp_err_t failed =
        rd_kafka_metadata(flight->producer, 0, flight->topic, &metadata, 10000);
    if (failed)
        errx(EXIT_FAILURE, "metadata: %s", rd_kafka_err2str(failed));
    rd_kafka_metadata_destroy(metadata);
}

static rd_kafka_headers_t *make_headers(const struct flight *flight)
{
    static const char name[] = "ce_header";
    rd_kafka_headers_t *headers = rd_kafka_headers_new((size_t)flight->plan->headers);

    for (int i = 0; i < flight->plan->headers; i++)
        rd_kafka_header_add(headers, name, NAME_SIZE, flight->header_value,
                            flight->plan->header_bytes);
    return headers;
}

static void produce(struct flight *flight)
{
    int slot = flight->free_slots[--flight->free_count];
    int32_t partition = flight->next_partition++ % flight->plan->partitions;
    static const char key[] = "0193f8a0-0000-7000-8000-000000000000";

    flight->sent_ns[slot] = now_ns();
    rd_kafka_resp_err_t failed = __extension__ rd_kafka_producev(
        flight->producer, RD_KAFKA_V_RKT(flight->topic), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_KEY(key, sizeof(key) - 1),
        RD_KAFKA_V_VALUE(flight->value, (size_t)flight->plan->value_bytes),
        RD_KAFKA_V_HEADERS(make_headers(flight)), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_OPAQUE((void *)(intptr_t)slot), RD_KAFKA_V_END);
    if (failed)
        errx(EXIT_FAILURE, "produce: %s", rd_kafka_err2str(failed));
}

static void make_room(struct flight *flight)
{
    size_t slots = (size_t)flight->plan->outstanding;

    flight->sent_ns = calloc(slots, sizeof(*flight->sent_ns));
    flight->free_slots = calloc(slots, sizeof(*flight->free_slots));
    flight->header_value = malloc((size_t)flight->plan->header_bytes + 1);
    flight->value = malloc((size_t)flight->plan->value_bytes + 1);
    if (flight->sent_ns == NULL || flight->free_slots == NULL || flight->header_value == NULL ||
        flight->value == NULL)
        err(EXIT_FAILURE, "raw_produce");
    memset(flight->header_value, 'h', (size_t)flight->plan->header_bytes);
    memset(flight->value, 'v', (size_t)flight->plan->value_bytes);
    for (int i = 0; i < flight->plan->outstanding; i++)
        flight->free_slots[flight->free_count++] = i;
}

static void run(struct flight *flight)
{
    make_room(flight);
    open_producer(flight);
    flight->measured_from_ns = now_ns() + WARM_UP_S * INT64_C(1000000000);
    flight->end_ns = flight->measured_from_ns + (int64_t)(flight->plan->seconds * 1e9);
    while (now_ns() < flight->end_ns) {
        while (flight->free_count > 0)
            produce(flight);
        rd_kafka_poll(flight->producer, 100);
    }
    rd_kafka_flush(flight->producer, 10000);
    rd_kafka_topic_destroy(flight->topic);
    rd_kafka_destroy(flight->producer);
    free(flight->sent_ns);
    free(flight->free_slots);
    free(flight->header_value);
    free(flight->value);
}

static const struct option options[] = {
    {"brokers", required_argument, NULL, 'b'},
    {"topic", required_argument, NULL, 't'},
    {"outstanding", required_argument, NULL, 'o'},
    {"partitions", required_argument, NULL, 'p'},
    {"headers", required_argument, NULL, 'h'},
    {"header-bytes", required_argument, NULL, 'z'},
    {"value-bytes", required_argument, NULL, 'v'},
    {"seconds", required_argument, NULL, 's'},
    {0},
};

int main(int argc, char **argv)
{
    struct plan plan = {.outstanding = 64,
                        .partitions = 8,
                        .headers = 15,
                        .header_bytes = 11,
                        .value_bytes = 100,
                        .seconds = 5};
    struct flight flight = {.plan = &plan};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'b': plan.brokers = optarg; break;
        case 't': plan.topic = optarg; break;
        case 'o': plan.outstanding = atoi(optarg); break;
        case 'p': plan.partitions = atoi(optarg); break;
        case 'h': plan.headers = atoi(optarg); break;
        case 'z': plan.header_bytes = atoi(optarg); break;
        case 'v': plan.value_bytes = atoi(optarg); break;
        case 's': plan.seconds = atof(optarg); break;
        default: return EXIT_FAILURE;
        }
    }
    if (plan.brokers == NULL || plan.topic == NULL || plan.outstanding < 1 || plan.partitions < 1 ||
        plan.headers > HEADERS_MAX || plan.headers < 0 || plan.header_bytes < 0 ||
        plan.value_bytes < 0 || plan.seconds <= 0)
        errx(EXIT_FAILURE, "--brokers and --topic are needed, and sane numbers");
    run(&flight);
    printf("{\"outstanding\":%d,\"partitions\":%d,\"headers\":%d,\"record_bytes\":%d,"
           "\"records\":%zu,\"rate\":%.1f,\"librdkafka\":\"%s\",",
           plan.outstanding, plan.partitions, plan.headers,
           36 + plan.value_bytes + plan.headers * (NAME_SIZE + plan.header_bytes),
           flight.latencies.count, (double)flight.latencies.count / plan.seconds,
           rd_kafka_version_str());
    latencies_print(&flight.latencies, "");
    puts("}");
    latencies_done(&flight.latencies);
    return EXIT_SUCCESS;
}
