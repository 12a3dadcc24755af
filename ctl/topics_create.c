/* sijangctl topics create: one topic per context and the owners' topic, or a comparison with those
 * that are there. */
#include "ctl/command.h"

#include "lib/log/owners.h"
#include "lib/log/topics.h"
#include "schemas/contexts.h"
#include <stddef.h>
#include <stdio.h>

#define TIMEOUT_MS      30000
#define PARTITIONS_MAX  1024
#define REPLICATION_MAX 15

struct topics_settings {
    const char *brokers;
    int64_t partitions;
    int64_t replication;
    bool flush_every_append;
    bool with_public;
};

static const struct config_entry settings[] = {
    BROKERS_SETTING(struct topics_settings),
    {"SIJANG_PARTITIONS", CONFIG_INTEGER, offsetof(struct topics_settings, partitions), "8", 1,
     PARTITIONS_MAX, "Partitions of every topic, chosen once."},
    {"SIJANG_REPLICATION", CONFIG_INTEGER, offsetof(struct topics_settings, replication), "1", 1,
     REPLICATION_MAX, "Copies of every partition."},
    {0},
};

/* Options win over the environment. */
static bool read_option(int found, char **argv, struct topics_settings *given, struct error *error)
{
    switch (found) {
    case 'p':
        return command_number("--partitions", optarg, PARTITIONS_MAX, &given->partitions, error);
    case 'r':
        return command_number("--replication", optarg, REPLICATION_MAX, &given->replication, error);
    case 'f': given->flush_every_append = true; return true;
    case 'o': given->with_public = true; return true;
    default: return command_misused(argv, error) == COMMAND_DONE;
    }
}

static bool create_owners(const struct topics_settings *given, struct error *error)
{
    const char *const names[] = {OWNERS_TOPIC};
    const struct log_topic_options options = {
        .partition_count = 1,
        .replication_factor = (int32_t)given->replication,
        .compacted = true,
    };

    if (!log_topics_create(given->brokers, names, 1, &options, TIMEOUT_MS, error))
        return false;
    (void)printf("%s: compacted\n", OWNERS_TOPIC);
    return true;
}

static bool create_logs(const struct topics_settings *given, const char *const *names,
                        struct error *error)
{
    const struct log_topic_options options = {
        .partition_count = (int32_t)given->partitions,
        .replication_factor = (int32_t)given->replication,
        .flush_every_append = given->flush_every_append,
    };

    if (!log_topics_create(given->brokers, names, CONTEXT_COUNT, &options, TIMEOUT_MS, error))
        return false;
    for (size_t i = 0; i < CONTEXT_COUNT; i++)
        (void)printf("%s: %d partitions\n", names[i], options.partition_count);
    return true;
}

static bool create(const struct topics_settings *given, struct error *error)
{
    const char *logs[CONTEXT_COUNT], *copies[CONTEXT_COUNT];

    for (size_t i = 0; i < CONTEXT_COUNT; i++) {
        logs[i] = contexts[i].topic;
        copies[i] = contexts[i].public_topic;
    }
    return create_logs(given, logs, error) && create_owners(given, error) &&
           (!given->with_public || create_logs(given, copies, error));
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    static const struct option options[] = {
        {"partitions", required_argument, NULL, 'p'},
        {"replication", required_argument, NULL, 'r'},
        {"flush-every-append", no_argument, NULL, 'f'},
        {"public", no_argument, NULL, 'o'},
        {0},
    };
    struct topics_settings given = {0};
    int found;

    if (!config_load(settings, &given, error))
        return COMMAND_MISUSED;
    opterr = 0;
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!read_option(found, argv, &given, error))
            return COMMAND_MISUSED;
    if (optind != argc) {
        error_set(error, FAULT_CONFIG_INVALID, "%s is too much, try --help", argv[optind]);
        return COMMAND_MISUSED;
    }
    return create(&given, error) ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command topics_create = {
    .words = {"topics", "create"},
    .arguments = "[--partitions N] [--replication N] [--flush-every-append] [--public]",
    .help =
        "  Creates the topic of every context, and the one in which command-svc processes tell\n"
        "  which partitions they serve. One that is there is compared, never changed: a\n"
        "  difference that matters to the log is an error.\n"
        "\n"
        "  --partitions N        instead of SIJANG_PARTITIONS\n"
        "  --replication N       instead of SIJANG_REPLICATION\n"
        "  --flush-every-append  for single brokers that must survive power loss; slower\n"
        "  --public              also those that a relay writes: sijang.<context>.public.v1\n"
        "\n"
        "  Example: sijangctl topics create --partitions 64 --replication 3\n",
    .settings = settings,
    .run = run,
};
