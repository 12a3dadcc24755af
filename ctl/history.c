/* sijangctl history: one stream's events, read straight from the log: no service need run. */
#include "ctl/command.h"
#include "ctl/record_print.h"
#include "ctl/topic_reading.h"

#include "lib/log/partition.h"
#include "lib/log/position.h"
#include "schemas/contexts.h"
#include <stddef.h>

#define NAMES_BYTES_MAX ((size_t)64 * 1024)

static const struct config_entry settings[] = {BROKERS_SETTING(struct brokers_settings), {0}};

struct retelling {
    const struct context *context;
    struct arena names;
    struct text source; /* "/catalog/product" */
    struct text id;
    int64_t from_version;
    int64_t left;       /* events to show; 0: all */
    bool bounded;       /* --as-of was given */
    struct place as_of; /* a TIME or a POSITION */
    bool found;
    bool foreign; /* as_of is of another log */
    bool failed;
    struct record_printer printer;
};

static bool is_too_late(const struct retelling *retelling, const struct log_inspection *inspection)
{
    if (!retelling->bounded)
        return false;
    if (retelling->as_of.kind == PLACE_TIME)
        return inspection->event->time_us > retelling->as_of.value;
    return inspection->commit_offset >= retelling->as_of.value; /* the offset behind it */
}

static bool tell(void *self, int32_t partition, const struct log_inspection *inspection)
{
    struct retelling *retelling = self;

    if (inspection->verdict != RECORD_EVENT ||
        !text_equal(inspection->event->subject, retelling->id) ||
        !text_equal(inspection->event->source, retelling->source))
        return true;
    retelling->foreign =
        place_is_foreign(&retelling->as_of, retelling->context->topic, inspection->log);
    if (retelling->foreign || is_too_late(retelling, inspection))
        return false;
    retelling->found = true;
    if (inspection->event->version < retelling->from_version)
        return true;
    retelling->failed = !record_printer_print(&retelling->printer, partition, inspection);
    return !retelling->failed && (retelling->left == 0 || --retelling->left > 0);
}

static bool read_as_of(const char *value, struct retelling *retelling, struct error *error)
{
    retelling->bounded = true;
    if (!place_parse("--as-of", value, &retelling->as_of, error))
        return false;
    return retelling->as_of.kind == PLACE_TIME || retelling->as_of.kind == PLACE_POSITION ||
           error_set(error, FAULT_CONFIG_INVALID, "--as-of must be a time or a position");
}

static bool read_option(int found, char **argv, struct retelling *retelling, struct error *error)
{
    switch (found) {
    case 't': retelling->printer.table = true; return true;
    case 'v':
        return command_number("--from-version", optarg, INT64_MAX, &retelling->from_version, error);
    case 'n': return command_number("--limit", optarg, INT64_MAX, &retelling->left, error);
    case 'a': return read_as_of(optarg, retelling, error);
    default: return command_misused(argv, error) == COMMAND_DONE;
    }
}

static bool name_stream(char **words, struct retelling *retelling, struct error *error)
{
    struct arena *arena = &retelling->names;
    struct uuid id;
    char *lower = arena_alloc(arena, UUID_TEXT_SIZE);

    retelling->context = context_find(words[0]);
    retelling->source = text_of(arena_print(arena, "/%s/%s", words[0], words[1]));
    retelling->id = text_of(words[2]);
    if (retelling->context == NULL)
        return error_set(error, FAULT_CONFIG_INVALID, "there is no context %s", words[0]);
    if (lower == NULL || retelling->source.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "naming a stream");
    if (uuid_parse(retelling->id, &id)) {
        uuid_format(&id, lower);
        retelling->id = text_of(lower);
    }
    return true;
}

static bool read_arguments(int argc, char **argv, struct retelling *retelling, struct error *error)
{
    static const struct option options[] = {
        {"table", no_argument, NULL, 't'},
        {"from-version", required_argument, NULL, 'v'},
        {"limit", required_argument, NULL, 'n'},
        {"as-of", required_argument, NULL, 'a'},
        {0},
    };
    int found;

    opterr = 0;
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!read_option(found, argv, retelling, error))
            return false;
    if (optind + 3 != argc)
        return error_set(error, FAULT_CONFIG_INVALID,
                         "CONTEXT, TYPE and ID are needed, try --help");
    return name_stream(argv + optind, retelling, error);
}

/* The stream's partition depends on how many there are. */
static bool find_partition(const char *brokers, const struct retelling *retelling,
                           int32_t *ret_partition, struct error *error)
{
    struct log_admin *admin = log_admin_open(brokers, ADMIN_TIMEOUT_MS, error);
    int32_t count;
    bool found =
        admin != NULL && log_admin_partition_count(admin, retelling->context->topic, &count, error);

    log_admin_close(admin);
    if (found)
        *ret_partition = log_partition_of(retelling->id, count);
    return found;
}

static bool read_log(const char *brokers, struct retelling *retelling, struct error *error)
{
    struct topic_reading_options options = {
        .brokers = brokers,
        .topic = retelling->context->topic,
        .self = retelling,
        .record = tell,
    };

    if (!find_partition(brokers, retelling, &options.partition, error))
        return false;
    if (retelling->as_of.kind == PLACE_POSITION && retelling->as_of.partition != options.partition)
        return error_set(error, FAULT_CONFIG_INVALID,
                         "the stream is in partition %d, the position is not", options.partition);
    struct topic_reading *reading = topic_reading_open(&options, error);
    bool read = reading != NULL && topic_reading_run(reading, error);
    topic_reading_close(reading);
    if (!read)
        return false;
    if (retelling->foreign)
        return error_set(error, FAULT_LOG_REPLACED, "the position is of another log");
    if (retelling->failed)
        return error_set(error, FAULT_IO_FAILED, "an event could not be written");
    return retelling->found || error_set(error, FAULT_LOG_FAILED, "there is no stream %.*s of %.*s",
                                         TEXT_ARGS(retelling->id), TEXT_ARGS(retelling->source));
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct retelling retelling = {0};
    struct brokers_settings given;
    enum command_exit outcome = COMMAND_MISUSED;

    record_printer_init(&retelling.printer);
    arena_init(&retelling.names, NAMES_BYTES_MAX);
    if (read_arguments(argc, argv, &retelling, error) && config_load(settings, &given, error)) {
        record_printer_begin(&retelling.printer, retelling.context->topic);
        outcome = read_log(given.brokers, &retelling, error) ? COMMAND_DONE : COMMAND_FAILED;
    }
    arena_done(&retelling.names);
    record_printer_done(&retelling.printer);
    return outcome;
}

const struct command history = {
    .words = {"history"},
    .arguments = "CONTEXT TYPE ID [--from-version N] [--limit N] [--as-of PLACE] [--table]",
    .help = "  Prints a stream's events as JSON lines, straight from the log: it works while no\n"
            "  service does, and reads the whole partition (about a second for half a million\n"
            "  records). GET /v1/streams/CONTEXT/TYPE/ID answers the same from an index.\n"
            "\n"
            "  --from-version N  not those before\n"
            "  --limit N         ends after so many\n"
            "  --as-of PLACE     ends with what was there at a time (2026-01-31T12:00:00Z) or\n"
            "                    position (catalog/3@17~...)\n"
            "  --table           columns instead of JSON\n"
            "\n"
            "  Example: sijangctl history catalog product 0198c0de-0000-7000-8000-000000000001\n",
    .settings = settings,
    .run = run,
};
