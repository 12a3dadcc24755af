/* sijangctl produce-test: how fast, and how evenly, a topic takes records. */
#include "ctl/command.h"

#include "ctl/producing.h"
#include "lib/core/clock.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_INITIAL 10000
#define COUNT_MAX     1000000
#define BYTES_INITIAL 250
#define BYTES_MAX     65536

static const struct config_entry settings[] = {BROKERS_SETTING(struct brokers_settings), {0}};

struct producing_test {
    const char *topic;
    int64_t count;
    int64_t bytes;
    bool json;
    int64_t *latencies_us;
    char *value;
};

static int by_size(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

    return (one > other) - (one < other);
}

static void print_figures(const struct producing_test *test, int64_t taken_us)
{
    const int64_t *sorted = test->latencies_us;
    size_t count = (size_t)test->count;
    int64_t rate = taken_us > 0 ? test->count * 1000000 / taken_us : 0;

    qsort(test->latencies_us, count, sizeof(*sorted), by_size);
    (void)printf(test->json ? "{\"topic\":\"%s\",\"records\":%" PRId64 ",\"bytes\":%" PRId64
                              ",\"per_second\":%" PRId64 ",\"p50_us\":%" PRId64
                              ",\"p99_us\":%" PRId64 ",\"max_us\":%" PRId64 "}\n"
                            : "%s: %" PRId64 " records of %" PRId64 " bytes, %" PRId64
                              " a second; p50 %" PRId64 " us, p99 %" PRId64 " us, longest %" PRId64
                              " us\n",
                 test->topic, test->count, test->bytes, rate, sorted[count / 2],
                 sorted[count * 99 / 100], sorted[count - 1]);
}

static bool append_all(const struct producing_test *test, struct producing *producing,
                       struct error *error)
{
    static const struct log_header headers[] = {{TEXT("content-type"), TEXT("text/plain")}};
    const struct log_record record = {
        .value = {test->value, (size_t)test->bytes},
        .headers = headers,
        .header_count = 1,
    };
    int32_t partitions = producing_partition_count(producing);

    for (int64_t i = 0; i < test->count; i++)
        if (!producing_append(producing, (int32_t)(i % partitions), &record, error))
            return false;
    return producing_finish(producing, error);
}

static bool run_test(struct producing_test *test, const char *brokers, struct error *error)
{
    test->latencies_us = calloc((size_t)test->count, sizeof(*test->latencies_us));
    test->value = malloc((size_t)test->bytes);
    if (test->latencies_us == NULL || test->value == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "%" PRId64 " records", test->count);
    memset(test->value, 'x', (size_t)test->bytes);
    const struct producing_options options = {
        .brokers = brokers,
        .topic = test->topic,
        .latencies_us = test->latencies_us,
        .latency_count = (size_t)test->count,
    };
    struct producing *producing = producing_open(&options, error);
    int64_t begun_us = clock_boot_us();
    bool appended = producing != NULL && append_all(test, producing, error);
    if (appended)
        print_figures(test, clock_boot_us() - begun_us);
    producing_close(producing);
    return appended;
}

static bool read_option(int found, char **argv, struct producing_test *test, struct error *error)
{
    switch (found) {
    case 'j': test->json = true; return true;
    case 'n': return command_number("--count", optarg, COUNT_MAX, &test->count, error);
    case 'b': return command_number("--bytes", optarg, BYTES_MAX, &test->bytes, error);
    default: return command_misused(argv, error) == COMMAND_DONE;
    }
}

static bool read_arguments(int argc, char **argv, struct producing_test *test, struct error *error)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"count", required_argument, NULL, 'n'},
        {"bytes", required_argument, NULL, 'b'},
        {0},
    };
    int found;

    opterr = 0;
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!read_option(found, argv, test, error))
            return false;
    if (optind + 1 != argc)
        return error_set(error, FAULT_CONFIG_INVALID, "one TOPIC is needed, try --help");
    test->topic = argv[optind];
    return command_foreign_topic(test->topic, error);
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct producing_test test = {.count = COUNT_INITIAL, .bytes = BYTES_INITIAL};
    struct brokers_settings given;

    if (!read_arguments(argc, argv, &test, error) || !config_load(settings, &given, error))
        return COMMAND_MISUSED;
    bool tested = run_test(&test, given.brokers, error);
    free(test.latencies_us);
    free(test.value);
    return tested ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command produce_test = {
    .words = {"produce-test"},
    .arguments = "TOPIC [--count N] [--bytes N] [--json]",
    .help = "  Appends records to a topic of your own, in turn to all its partitions, as the\n"
            "  services do (idempotent, acknowledged by all replicas), and says how long it took.\n"
            "  A context's topic is no target: records stay there for ever.\n"
            "\n"
            "  --count N  records; 10000 unless given\n"
            "  --bytes N  of each one's value; 250 unless given\n"
            "  --json     one object\n"
            "\n"
            "  Example: sijangctl produce-test scratch --count 100000\n",
    .settings = settings,
    .run = run,
};
