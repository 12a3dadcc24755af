/* sijangctl verify log: is everything in the log what it should be? The readers' rule over every
 * record, and over the valid ones what writers promise: versions, ids, keys, schemas. */
#include "ctl/command.h"
#include "ctl/scratch.h"
#include "ctl/topic_reading.h"

#include "lib/core/arena.h"
#include "lib/core/buffer.h"
#include "lib/log/partition.h"
#include "lib/log/platform/records.h"
#include "lib/log/position.h"
#include "lib/record/avro.h"
#include "schemas/contexts.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FINDINGS_SHOWN_MAX 100
#define ARENA_BYTES_MAX    ((size_t)8 * 1024 * 1024)
#define LINE_BYTES_MAX     ((size_t)64 * 1024)

struct verify_settings {
    const char *brokers;
    const char *scratch;
};

static const struct config_entry settings[] = {
    BROKERS_SETTING(struct verify_settings),
    {"SIJANG_SCRATCH_PATH", CONFIG_TEXT, offsetof(struct verify_settings, scratch), "/var/tmp", 1,
     1000, "Folder for what must be remembered: about 100 bytes an event."},
    {0},
};

struct verification {
    const struct context *context;
    bool json;
    int32_t partition_count;
    struct scratch *scratch;
    struct arena arena; /* for one record */
    struct buffer line;
    int64_t verdicts[RECORD_VERDICT_COUNT]; /* of this context */
    int64_t findings;                       /* of this context */
    int64_t findings_in_all;
    bool failed; /* could not go on; says why in error */
    struct error error;
};

/* One line each, the first of them: a broken log has many of the same. */
static void report(struct verification *verification, const struct scratch_place *place,
                   const char *what)
{
    struct buffer *line = &verification->line;
    const char *context = verification->context->name;

    if (++verification->findings > FINDINGS_SHOWN_MAX)
        return;
    buffer_clear(line);
    if (verification->json) {
        buffer_print(line, "{\"context\":\"%s\",\"partition\":%" PRId32 ",\"offset\":%" PRId64,
                     context, place->partition, place->offset);
        buffer_put_string(line, ",\"finding\":");
        buffer_put_json_string(line, text_of(what == NULL ? "" : what));
        buffer_put_byte(line, '}');
    } else {
        buffer_print(line, "%s/%" PRId32 "@%" PRId64 ": %s", context, place->partition,
                     place->offset, what == NULL ? "" : what);
    }
    (void)printf("%.*s\n", TEXT_ARGS(buffer_text(line)));
}

static const char *schema_fault(const struct record *const *records, const struct log_event *event,
                                struct arena *arena)
{
    struct text payload = event->payload;
    struct error error;
    uint32_t schema_id;

    if (!avro_frame((const uint8_t *)payload.bytes, payload.size, &schema_id))
        return "its payload has no schema id";
    const struct record *record = avro_find_record(records, schema_id);
    if (record == NULL)
        return arena_print(arena, "its schema id %" PRIu32 " is not known", schema_id);
    if (!text_is(event->type, record->full_name))
        return arena_print(arena, "a %.*s with the schema of %s", TEXT_ARGS(event->type),
                           record->full_name);
    void *value = arena_alloc(arena, record->size);
    if (value == NULL)
        return "its payload is too large to be read";
    return avro_decode_framed(record, payload, arena, value, &error)
               ? NULL
               : arena_print(arena, "its payload cannot be read: %s", error.detail);
}

static void check_schema(struct verification *verification, const struct log_event *event,
                         const struct record *const *records, const struct scratch_place *place)
{
    const char *fault = schema_fault(records, event, &verification->arena);

    if (fault != NULL)
        report(verification, place, fault);
}

/* A stream is what has one source and one subject; by a name made of both, of a fixed size. */
static struct uuid stream_name(struct verification *verification, const struct log_event *event)
{
    static const struct uuid names = {{0}};
    const char *name = arena_print(&verification->arena, "%.*s\n%.*s", TEXT_ARGS(event->source),
                                   TEXT_ARGS(event->subject));
    struct text text = text_of(name);

    return uuid_v5(&names, text.bytes, text.size);
}

static bool check_version(struct verification *verification, const struct log_event *event,
                          const struct scratch_place *place, struct error *error)
{
    struct uuid stream = stream_name(verification, event);
    int64_t before;

    if (!scratch_swap_version(verification->scratch, &stream, event->version, &before, error))
        return false;
    if (event->version != before + 1)
        report(verification, place,
               arena_print(&verification->arena,
                           "version %" PRId64 " of %.*s/%.*s follows %" PRId64, event->version,
                           TEXT_ARGS(event->source), TEXT_ARGS(event->subject), before));
    return true;
}

static bool check_id(struct verification *verification, const struct log_event *event,
                     const struct scratch_place *place, struct error *error)
{
    struct scratch_place before;
    char id[UUID_TEXT_SIZE];
    bool known;

    if (!scratch_add_event(verification->scratch, &event->id, place, &known, &before, error))
        return false;
    if (!known)
        return true;
    uuid_format(&event->id, id);
    report(verification, place,
           arena_print(&verification->arena, "event id %s was at %" PRId32 "@%" PRId64 " before",
                       id, before.partition, before.offset));
    return true;
}

static void check_place(struct verification *verification, const struct log_event *event,
                        const struct scratch_place *place)
{
    int32_t wanted = log_partition_of(event->key, verification->partition_count);
    const char *source = arena_print(&verification->arena, "/%s/", verification->context->name);

    if (wanted != place->partition)
        report(verification, place,
               arena_print(&verification->arena, "its key belongs to partition %" PRId32, wanted));
    if (source != NULL && !text_starts_with(event->source, source))
        report(verification, place,
               arena_print(&verification->arena, "its source is %.*s", TEXT_ARGS(event->source)));
}

static bool check_event(struct verification *verification, const struct log_event *event,
                        const struct scratch_place *place, struct error *error)
{
    check_place(verification, event, place);
    check_schema(verification, event, verification->context->events, place);
    return check_version(verification, event, place, error) &&
           check_id(verification, event, place, error);
}

static void check_claim(struct verification *verification, const struct platform_claim *claim,
                        const struct scratch_place *place)
{
    if (claim->partition_count != verification->partition_count)
        report(verification, place,
               arena_print(&verification->arena,
                           "a claim of %" PRId32 " partitions, the topic has %" PRId32,
                           claim->partition_count, verification->partition_count));
}

static bool examine(void *self, int32_t partition, const struct log_inspection *inspection)
{
    struct verification *verification = self;
    const struct scratch_place place = {partition, inspection->message->offset};

    arena_reset(&verification->arena);
    verification->verdicts[inspection->verdict]++;
    if (inspection->verdict == RECORD_CLAIM)
        check_claim(verification, inspection->claim, &place);
    else if (inspection->verdict == RECORD_PLATFORM)
        check_schema(verification, inspection->event, platform_records, &place);
    else if (inspection->verdict == RECORD_EVENT)
        verification->failed =
            !check_event(verification, inspection->event, &place, &verification->error);
    return !verification->failed;
}

static void sum_up(struct verification *verification, int64_t missing)
{
    bool json = verification->json;

    (void)printf(json ? "{\"context\":\"%s\",\"partitions\":%" PRId32 ",\"findings\":%" PRId64
                        ",\"missing_offsets\":%" PRId64 ",\"records\":{"
                      : "%s: %" PRId32 " partitions, %" PRId64 " findings, %" PRId64
                        " offsets without a record\n",
                 verification->context->name, verification->partition_count, verification->findings,
                 missing);
    for (int i = RECORD_UNDECIDED + 1; i < RECORD_VERDICT_COUNT; i++) {
        const struct record_verdict_entry *entry = record_verdict_entry((enum record_verdict)i);
        const char *mark = i == RECORD_UNDECIDED + 1 ? "" : ",";
        if (json)
            (void)printf("%s\"%s\":%" PRId64, mark, entry->name, verification->verdicts[i]);
        else if (verification->verdicts[i] > 0)
            (void)printf("  %-12s %12" PRId64 "  %s%s\n", entry->name, verification->verdicts[i],
                         entry->is_void ? "void: " : "", entry->why);
    }
    (void)printf(json ? "}}\n" : "");
}

static bool verify_context(struct verification *verification, const struct verify_settings *given,
                           struct error *error)
{
    const struct topic_reading_options options = {
        .brokers = given->brokers,
        .topic = verification->context->topic,
        .partition = ALL_PARTITIONS,
        .self = verification,
        .record = examine,
    };
    struct topic_reading *reading = topic_reading_open(&options, error);

    if (reading == NULL)
        return false;
    memset(verification->verdicts, 0, sizeof(verification->verdicts));
    verification->findings = 0;
    verification->partition_count = topic_reading_partition_count(reading);
    bool read = topic_reading_run(reading, error);
    int64_t missing = topic_reading_missing(reading);
    topic_reading_close(reading);
    if (verification->failed)
        *error = verification->error;
    if (!read || verification->failed)
        return false;
    sum_up(verification, missing);
    verification->findings_in_all += verification->findings;
    return true;
}

static bool verify_all(struct verification *verification, const struct context *only,
                       const struct verify_settings *given, struct error *error)
{
    for (size_t i = 0; i < CONTEXT_COUNT; i++) {
        verification->context = &contexts[i];
        if (only != NULL && only != verification->context)
            continue;
        verification->scratch = scratch_open(given->scratch, error);
        bool verified = verification->scratch != NULL && verify_context(verification, given, error);
        verification->scratch = scratch_close(verification->scratch);
        if (!verified)
            return error_add(error, "%s", verification->context->name);
    }
    if (verification->findings_in_all == 0)
        return true;
    return error_set(error, FAULT_DATA_CORRUPT, "%" PRId64 " findings",
                     verification->findings_in_all);
}

static bool read_arguments(int argc, char **argv, bool *ret_json, const struct context **ret_only,
                           struct error *error)
{
    const struct command_flag flags[] = {{"json", ret_json}, {0}};

    if (!command_words(argc, argv, flags, 1, error))
        return false;
    if (optind == argc)
        return true;
    *ret_only = context_find(argv[optind]);
    return *ret_only != NULL ||
           error_set(error, FAULT_CONFIG_INVALID, "%s is no context, try --help", argv[optind]);
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct verification verification = {0};
    const struct context *only = NULL;
    struct verify_settings given;

    if (!read_arguments(argc, argv, &verification.json, &only, error) ||
        !config_load(settings, &given, error))
        return COMMAND_MISUSED;
    arena_init(&verification.arena, ARENA_BYTES_MAX);
    buffer_init(&verification.line, LINE_BYTES_MAX);
    bool verified = verify_all(&verification, only, &given, error);
    buffer_done(&verification.line);
    arena_done(&verification.arena);
    return verified ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command verify_log = {
    .words = {"verify", "log"},
    .arguments = "[CONTEXT] [--json]",
    .help =
        "  Reads every record of a context's topic, or of all, straight from the log, up to its\n"
        "  end of this moment. Counts what is void by the readers' rule, and why: that is no\n"
        "  finding. These are: an event whose version does not follow the one before, an event\n"
        "  id that is there twice, a key in another partition than its own, a schema that is\n"
        "  not known or does not fit the type, a payload that cannot be read, another\n"
        "  context's source, a claim for another number of partitions.\n"
        "\n"
        "  Memory stays below 100 MB however many streams there are: what must be remembered\n"
        "  is on disk, in a folder that is removed at the end.\n"
        "\n"
        "  --json  one object a line: findings, then a sum for each context\n"
        "\n"
        "  Exits with 1 if there is a finding, or the log cannot be read.\n"
        "\n"
        "  Example: sijangctl verify log catalog\n",
    .settings = settings,
    .run = run,
};
