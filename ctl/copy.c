/* sijangctl copy: a topic's records into another one, the same partition, key, value and headers.
 */
#include "ctl/command.h"

#include "ctl/producing.h"
#include "ctl/topic_reading.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define HEADERS_MAX 64

struct copy_settings {
    const char *brokers;
    const char *target_brokers;
};

static const struct config_entry settings[] = {
    BROKERS_SETTING(struct copy_settings),
    {"SIJANG_TARGET_BROKERS", CONFIG_TEXT, offsetof(struct copy_settings, target_brokers), "", 0,
     1000, "Of the copy, if it is another cluster."},
    {0},
};

struct copying {
    const char *from;
    const char *to;
    bool raw;
    struct place place;
    int32_t partition;
    struct producing *target;
    int64_t copied;
    bool failed;
    struct error error;
};

static bool copy_record(struct copying *copying, int32_t partition,
                        const struct log_inspection *inspection)
{
    const struct log_message *message = inspection->message;
    struct log_header headers[HEADERS_MAX];
    size_t count = 0;

    while (inspection->port->header(inspection->port, message, count, &headers[count]))
        if (++count == HEADERS_MAX)
            return error_set(&copying->error, FAULT_LIMIT_EXCEEDED,
                             "%" PRId32 "@%" PRId64 " has too many headers", partition,
                             message->offset);
    const struct log_record record = {
        .key = message->key, .value = message->value, .headers = headers, .header_count = count};
    return producing_append(copying->target, partition, &record, &copying->error);
}

static bool take(void *self, int32_t partition, const struct log_inspection *inspection)
{
    struct copying *copying = self;

    if (!copying->raw && !topic_counts(copying->from, inspection))
        return true;
    copying->failed = !copy_record(copying, partition, inspection);
    copying->copied += !copying->failed;
    return !copying->failed;
}

static bool copy_from(struct copying *copying, struct topic_reading *reading, struct error *error)
{
    if (topic_reading_partition_count(reading) != producing_partition_count(copying->target))
        return error_set(error, FAULT_LOG_FAILED, "%s has %" PRId32 " partitions, %s has %" PRId32,
                         copying->from, topic_reading_partition_count(reading), copying->to,
                         producing_partition_count(copying->target));
    if (!topic_reading_run(reading, error))
        return false;
    if (copying->failed)
        *error = copying->error;
    return !copying->failed && producing_finish(copying->target, error);
}

static bool copy_all(struct copying *copying, const struct copy_settings *given,
                     struct error *error)
{
    const struct topic_reading_options reading = {
        .brokers = given->brokers,
        .topic = copying->from,
        .partition = copying->partition,
        .from = copying->place,
        .self = copying,
        .record = take,
    };
    const struct producing_options target = {
        .brokers = given->target_brokers[0] == '\0' ? given->brokers : given->target_brokers,
        .topic = copying->to,
    };

    copying->target = producing_open(&target, error);
    if (copying->target == NULL)
        return false;
    struct topic_reading *opened = topic_reading_open(&reading, error);
    bool copied = opened != NULL && copy_from(copying, opened, error);
    topic_reading_close(opened);
    producing_close(copying->target);
    (void)printf("%" PRId64 " records copied\n", copying->copied);
    return copied;
}

static bool read_option(int found, char **argv, struct copying *copying, struct error *error)
{
    switch (found) {
    case 'r': copying->raw = true; return true;
    case 'p': return command_partition(optarg, &copying->partition, error);
    case 'o': return place_parse("--from", optarg, &copying->place, error);
    default: return command_misused(argv, error) == COMMAND_DONE;
    }
}

static bool read_arguments(int argc, char **argv, struct copying *copying, struct error *error)
{
    static const struct option options[] = {
        {"raw", no_argument, NULL, 'r'},
        {"partition", required_argument, NULL, 'p'},
        {"from", required_argument, NULL, 'o'},
        {0},
    };
    int found;

    opterr = 0;
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!read_option(found, argv, copying, error))
            return false;
    if (optind + 2 != argc)
        return error_set(error, FAULT_CONFIG_INVALID, "FROM and TO are needed, try --help");
    copying->from = topic_named(argv[optind]);
    copying->to = argv[optind + 1];
    return command_foreign_topic(copying->to, error);
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct copying copying = {.partition = ALL_PARTITIONS};
    struct copy_settings given;

    if (!read_arguments(argc, argv, &copying, error) || !config_load(settings, &given, error))
        return COMMAND_MISUSED;
    return copy_all(&copying, &given, error) ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command copy = {
    .words = {"copy"},
    .arguments = "TOPIC|CONTEXT TO [--raw] [--from PLACE] [--partition N]",
    .help =
        "  Appends a topic's records, up to its end of this moment, to the topic TO, which must\n"
        "  exist with as many partitions: each to the same partition, with its key, value and\n"
        "  headers. A context's topic is no target.\n"
        "\n"
        "  --raw          all records; otherwise only events that count by the readers' rule\n"
        "  --from PLACE   begin (the default), an offset, a time or a position, as for tail\n"
        "  --partition N  only this one; the first one is 0\n"
        "\n"
        "  Example: sijangctl copy catalog catalog.copy --from 2026-01-31T12:00:00Z\n",
    .settings = settings,
    .run = run,
};
