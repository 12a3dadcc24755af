/* sijangctl tail: a topic's records, the valid ones or all with the verdict on each. */
#include "ctl/command.h"
#include "ctl/record_print.h"
#include "ctl/topic_reading.h"

#include "lib/log/position.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define COUNT_MAX INT64_MAX

static const struct config_entry settings[] = {BROKERS_SETTING(struct brokers_settings), {0}};

struct tailing {
    const char *topic;
    bool raw;
    bool table;
    bool follow;
    bool placed; /* --from was given */
    struct place from;
    int32_t partition;
    int64_t left; /* records to show; 0: all */
    bool failed;
    bool shown;     /* at least one record */
    int64_t hidden; /* records that do not count */
    struct record_printer printer;
};

static bool is_shown(const struct tailing *tailing, const struct log_inspection *inspection)
{
    return tailing->raw || topic_counts(tailing->topic, inspection);
}

static bool show(void *self, int32_t partition, const struct log_inspection *inspection)
{
    struct tailing *tailing = self;

    if (!is_shown(tailing, inspection)) {
        tailing->hidden++;
        return true;
    }
    tailing->shown = true;
    tailing->failed = !record_printer_print(&tailing->printer, partition, inspection);
    if (tailing->follow)
        tailing->failed = fflush(stdout) != 0 || tailing->failed;
    return !tailing->failed && (tailing->left == 0 || --tailing->left > 0);
}

static bool read_option(int found, char **argv, struct tailing *tailing, struct error *error)
{
    switch (found) {
    case 'v': tailing->raw = false; return true;
    case 'r': tailing->raw = true; return true;
    case 't': tailing->table = true; return true;
    case 'f': tailing->follow = true; return true;
    case 'n': return command_number("--count", optarg, COUNT_MAX, &tailing->left, error);
    case 'p': return command_partition(optarg, &tailing->partition, error);
    case 'o': tailing->placed = true; return place_parse("--from", optarg, &tailing->from, error);
    default: return command_misused(argv, error) == COMMAND_DONE;
    }
}

static enum command_exit read_arguments(int argc, char **argv, struct tailing *tailing,
                                        struct error *error)
{
    static const struct option options[] = {
        {"valid", no_argument, NULL, 'v'},       {"raw", no_argument, NULL, 'r'},
        {"table", no_argument, NULL, 't'},       {"follow", no_argument, NULL, 'f'},
        {"count", required_argument, NULL, 'n'}, {"partition", required_argument, NULL, 'p'},
        {"from", required_argument, NULL, 'o'},  {0},
    };
    int found;

    opterr = 0;
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!read_option(found, argv, tailing, error))
            return COMMAND_MISUSED;
    if (optind + 1 != argc) {
        error_set(error, FAULT_CONFIG_INVALID, "one TOPIC or CONTEXT is needed, try --help");
        return COMMAND_MISUSED;
    }
    if (!tailing->placed && tailing->follow)
        tailing->from.kind = PLACE_END;
    tailing->topic = topic_named(argv[optind]);
    return COMMAND_DONE;
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct tailing tailing = {.partition = ALL_PARTITIONS};
    struct brokers_settings given;

    enum command_exit outcome = read_arguments(argc, argv, &tailing, error);
    if (outcome != COMMAND_DONE)
        return outcome;
    if (!config_load(settings, &given, error))
        return COMMAND_MISUSED;
    const struct topic_reading_options reading = {
        .brokers = given.brokers,
        .topic = tailing.topic,
        .partition = tailing.partition,
        .from = tailing.from,
        .follow = tailing.follow,
        .self = &tailing,
        .record = show,
    };
    struct topic_reading *opened = topic_reading_open(&reading, error);
    if (opened == NULL)
        return error->fault == FAULT_CONFIG_INVALID ? COMMAND_MISUSED : COMMAND_FAILED;
    record_printer_init(&tailing.printer);
    record_printer_begin(&tailing.printer, tailing.topic);
    tailing.printer.table = tailing.table;
    tailing.printer.raw = tailing.raw;
    bool read = topic_reading_run(opened, error);
    if (read && tailing.failed)
        read = error_set(error, FAULT_IO_FAILED, "a record could not be written");
    record_printer_done(&tailing.printer);
    topic_reading_close(opened);
    if (read && !tailing.shown && tailing.hidden > 0)
        (void)fprintf(stderr,
                      "sijangctl tail: %lld records, none of them an event that counts; --raw"
                      " shows them\n",
                      (long long)tailing.hidden);
    return read ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command tail = {
    .words = {"tail"},
    .arguments = "TOPIC|CONTEXT [--valid|--raw] [--from PLACE] [--partition N] [--count N]\n"
                 "       [--follow] [--table]",
    .help =
        "  Prints the records of a context's topic, or of any other, as JSON lines.\n"
        "\n"
        "  --valid        only events that count by the readers' rule (the default), and every\n"
        "                 event where nobody claims: in public topics and copies\n"
        "  --raw          all records, each with the verdict on it and why\n"
        "  --from PLACE   begin (the default), end (the default with --follow), an offset, a\n"
        "                 time (2026-01-31T12:00:00Z: what was appended then or later), or a\n"
        "                 position (catalog/3@17~...: that partition, behind it)\n"
        "  --partition N  only this one; the first one is 0\n"
        "  --count N      ends after so many lines\n"
        "  --follow       goes on as the log grows, until interrupted\n"
        "  --table        columns instead of JSON\n"
        "\n"
        "  Example: sijangctl tail catalog --raw --from end --follow\n",
    .settings = settings,
    .run = run,
};
