/* A long log in little time: products, each listed and then its stock adjusted up to a version, all
 * of them once before any of them twice. Commits as command-svc would write them, through the same
 * writer, without deciding anything. Prints ids of products. */
#include "lib/core/clock.h"
#include "lib/log/kafka_port.h"
#include "lib/log/partition.h"
#include "lib/log/port.h"
#include "lib/log/writer.h"
#include "lib/record/avro.h"
#include "schemas/catalog/events.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS_MAX    1024
#define OUTSTANDING_MAX   20000
#define QUEUED_BYTES_MAX  ((size_t)64 * 1024 * 1024)
#define FETCHED_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define SETTLE_US_MIN     50000
#define SETTLE_US_MAX     1000000
#define PAYLOAD_BYTES_MAX 1024
#define WAIT_MS           100
#define PATIENCE_US       INT64_C(60000000)

struct plan {
    const char *brokers, *topic;
    int partitions;
    size_t products, versions, ids_every;
};

struct filling {
    const struct plan *plan;
    struct log_port *port;
    struct log_writer *writer;
    struct log_partition *partitions[PARTITIONS_MAX];
    int serving;
    size_t appended, acknowledged;
    int64_t moved_us; /* something was acknowledged, or began to serve */
    uint64_t chance;
    struct uuid *products;
    struct buffer listed, stocked;
};

static bool on_apply(void *self, struct log_partition *partition, const struct log_event *events,
                     size_t count, const struct log_position *after, struct error *error)
{
    struct filling *filling = self;

    (void)partition, (void)events, (void)count, (void)after, (void)error;
    filling->moved_us = clock_boot_us();
    return true;
}

static void on_advanced(void *self, struct log_partition *partition,
                        const struct log_position *after)
{
    (void)self, (void)partition, (void)after;
}

static void on_serving(void *self, struct log_partition *partition, const struct log_position *at)
{
    struct filling *filling = self;

    (void)partition, (void)at;
    filling->serving++;
    filling->moved_us = clock_boot_us();
}

static void on_acknowledged(void *self, struct log_partition *partition, uint64_t token,
                            const struct log_position *after)
{
    struct filling *filling = self;

    (void)partition, (void)token, (void)after;
    filling->acknowledged++;
    filling->moved_us = clock_boot_us();
}

static void on_deposed(void *self, struct log_partition *partition)
{
    (void)self, (void)partition;
    errx(EXIT_FAILURE, "a partition was lost: does a command-svc run?");
}

static void attach(struct filling *filling)
{
    const struct plan *plan = filling->plan;
    struct log_position beginning;
    struct error error;

    log_position_start(&beginning);
    for (int32_t i = 0; i < plan->partitions; i++) {
        struct log_attachment attachment = {plan->topic, i, &beginning, NULL};
        if (!log_writer_attach(filling->writer, &attachment, &filling->partitions[i], &error))
            errx(EXIT_FAILURE, "%s", error.detail);
        log_partition_claim(filling->partitions[i]);
    }
}

static void open_log(struct filling *filling)
{
    struct kafka_port_options port = {
        .brokers = filling->plan->brokers,
        .client_id = "bench",
        .producer = true,
        .queued_bytes_max = QUEUED_BYTES_MAX,
        .fetched_bytes_max = FETCHED_BYTES_MAX,
    };
    struct log_owner owner = {
        .self = filling,
        .apply = on_apply,
        .advanced = on_advanced,
        .serving = on_serving,
        .acknowledged = on_acknowledged,
        .deposed = on_deposed,
    };
    struct log_writer_options options = {
        .partition_count = filling->plan->partitions,
        .incarnation = uuid_v7(),
        .settle_backoff_us_min = SETTLE_US_MIN,
        .settle_backoff_us_max = SETTLE_US_MAX,
    };
    struct error error;

    filling->port = kafka_port_create(&port, &error);
    if (filling->port != NULL)
        filling->writer = log_writer_create(filling->port, &owner, &options, &error);
    if (filling->writer == NULL)
        errx(EXIT_FAILURE, "%s", error.detail);
    attach(filling);
}

static void turn(struct filling *filling)
{
    if (log_writer_turn(filling->writer) == 0)
        log_writer_wait(filling->writer, WAIT_MS);
    for (int i = 0; i < filling->plan->partitions; i++)
        if (log_partition_state(filling->partitions[i]) == LOG_STOPPED)
            errx(EXIT_FAILURE, "%s", log_partition_error(filling->partitions[i])->detail);
    if (clock_boot_us() - filling->moved_us > PATIENCE_US)
        errx(EXIT_FAILURE, "the broker takes nothing more");
}

/* Sebastiano Vigna's splitmix64: ids that differ, no more. */
static uint64_t next_chance(struct filling *filling)
{
    uint64_t bits = filling->chance += UINT64_C(0x9E3779B97F4A7C15);

    bits = (bits ^ bits >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ bits >> 27) * UINT64_C(0x94D049BB133111EB);
    return bits ^ bits >> 31;
}

static struct uuid draw_id(struct filling *filling)
{
    uint64_t halves[2] = {next_chance(filling), next_chance(filling)};
    struct uuid id;

    memcpy(id.bytes, halves, sizeof(id.bytes));
    id.bytes[6] = (uint8_t)(0x40 | (id.bytes[6] & 0x0f));
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

static void append(struct filling *filling, const struct uuid *product, int64_t version)
{
    char name[UUID_TEXT_SIZE];
    struct text key = {.bytes = name, .size = UUID_TEXT_SIZE - 1};
    struct uuid command = draw_id(filling);
    struct log_event event = {
        .key = key,
        .id = command,
        .type = version == 1 ? text_of("sijang.catalog.ProductListed")
                             : text_of("sijang.catalog.StockAdjusted"),
        .source = TEXT("/catalog/product"),
        .subject = key,
        .time_us = clock_wall_us(),
        .version = version,
        .command_id = command,
        .request_hash = {1},
        .correlation_id = command,
        .causation_id = command,
        .actor = TEXT("bench-seller"),
        .payload = buffer_text(version == 1 ? &filling->listed : &filling->stocked),
    };
    uuid_format(product, name);
    int32_t home = log_partition_of(key, filling->plan->partitions);
    struct error error;

    while (filling->appended - filling->acknowledged >= OUTSTANDING_MAX ||
           !log_partition_append(filling->partitions[home], &event, 1, filling->appended, &error))
        turn(filling);
    filling->appended++;
}

static void fill(struct filling *filling)
{
    const struct plan *plan = filling->plan;

    for (size_t version = 1; version <= plan->versions; version++)
        for (size_t i = 0; i < plan->products; i++)
            append(filling, &filling->products[i], (int64_t)version);
    while (filling->acknowledged < filling->appended)
        turn(filling);
}

static void prepare(struct filling *filling)
{
    struct product_listed listed = {
        .seller_id = TEXT("bench-seller"),
        .title = TEXT("Barley tea, cold"),
        .description = TEXT("Roasted this morning, half a litre."),
        .price = 3000,
    };
    struct stock_adjusted stocked = {.delta = 3, .reason = TEXT("delivery")};

    buffer_init(&filling->listed, PAYLOAD_BYTES_MAX);
    buffer_init(&filling->stocked, PAYLOAD_BYTES_MAX);
    avro_encode_framed(&product_listed_record, &listed, &filling->listed);
    avro_encode_framed(&stock_adjusted_record, &stocked, &filling->stocked);
    filling->products = calloc(filling->plan->products, sizeof(*filling->products));
    if (filling->products == NULL || filling->listed.failed || filling->stocked.failed)
        errx(EXIT_FAILURE, "no memory");
    for (size_t i = 0; i < filling->plan->products; i++)
        filling->products[i] = uuid_v7();
    random_fill(&filling->chance, sizeof(filling->chance));
    filling->moved_us = clock_boot_us();
}

static void print_ids(const struct filling *filling)
{
    char name[UUID_TEXT_SIZE];

    for (size_t i = 0; i < filling->plan->products; i += filling->plan->ids_every) {
        uuid_format(&filling->products[i], name);
        puts(name);
    }
}

static void run(const struct plan *plan)
{
    struct filling filling = {.plan = plan};

    prepare(&filling);
    open_log(&filling);
    while (filling.serving < plan->partitions)
        turn(&filling);
    fill(&filling);
    print_ids(&filling);
    log_writer_destroy(filling.writer);
    kafka_port_destroy(filling.port);
    buffer_done(&filling.listed);
    buffer_done(&filling.stocked);
    free(filling.products);
}

static const struct option options[] = {
    {"brokers", required_argument, NULL, 'b'},
    {"topic", required_argument, NULL, 't'},
    {"partitions", required_argument, NULL, 'p'},
    {"products", required_argument, NULL, 'n'},
    {"versions", required_argument, NULL, 'v'},
    {"ids-every", required_argument, NULL, 'i'},
    {0},
};

int main(int argc, char **argv)
{
    struct plan plan = {.partitions = 8, .versions = 10, .ids_every = 1};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'b': plan.brokers = optarg; break;
        case 't': plan.topic = optarg; break;
        case 'p': plan.partitions = atoi(optarg); break;
        case 'n': plan.products = strtoul(optarg, NULL, 10); break;
        case 'v': plan.versions = strtoul(optarg, NULL, 10); break;
        case 'i': plan.ids_every = strtoul(optarg, NULL, 10); break;
        default: return EXIT_FAILURE;
        }
    }
    if (plan.brokers == NULL || plan.topic == NULL || plan.partitions < 1 ||
        plan.partitions > PARTITIONS_MAX || plan.products < 1 || plan.versions < 1 ||
        plan.ids_every < 1)
        errx(EXIT_FAILURE, "--brokers, --topic and --products are needed, and sane numbers");
    run(&plan);
    return EXIT_SUCCESS;
}
