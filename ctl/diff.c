/* sijangctl diff: do two topics hold the same? Partition by partition: the digests of one side go
 * to a temporary file, the other side is compared with it, so that memory does not grow. */
#include "ctl/command.h"

#include "ctl/topic_reading.h"
#include "lib/core/buffer.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define RECORD_BYTES_MAX ((size_t)16 * 1024 * 1024)

struct diff_settings {
    const char *brokers;
    const char *other_brokers;
};

static const struct config_entry settings[] = {
    BROKERS_SETTING(struct diff_settings),
    {"SIJANG_TARGET_BROKERS", CONFIG_TEXT, offsetof(struct diff_settings, other_brokers), "", 0,
     1000, "Of the second topic, if it is in another cluster."},
    {0},
};

struct digest {
    struct uuid content;
    int64_t offset;
};

struct side {
    const char *brokers;
    const char *topic;
    int64_t records; /* in all partitions */
};

struct comparison {
    struct side sides[2];
    bool raw;
    bool json;
    struct buffer content;
    FILE *digests; /* of the first side, in this partition */
    bool second;   /* the side being read */
    bool differs;  /* in this partition: said already */
    int64_t differences;
    bool failed;
};

/* Where a record stands in the log's terms is the log's affair, not the record's. */
static bool is_compared(struct text header)
{
    return !text_is(header, "ce_fence") && !text_is(header, "ce_position");
}

static void put_sized(struct buffer *out, struct text text)
{
    int64_t size = text.bytes == NULL ? -1 : (int64_t)text.size;

    buffer_put(out, &size, sizeof(size));
    if (text.size > 0)
        buffer_put(out, text.bytes, text.size);
}

static struct digest digest_of(struct comparison *comparison,
                               const struct log_inspection *inspection)
{
    static const struct uuid names = {{0}};
    const struct log_message *message = inspection->message;
    struct buffer *content = &comparison->content;
    struct log_header header;

    buffer_clear(content);
    put_sized(content, message->key);
    put_sized(content, message->value);
    for (size_t i = 0; inspection->port->header(inspection->port, message, i, &header); i++)
        if (is_compared(header.name)) {
            put_sized(content, header.name);
            put_sized(content, header.value);
        }
    comparison->failed = comparison->failed || content->failed;
    return (struct digest){uuid_v5(&names, content->bytes, content->size), message->offset};
}

static void report(struct comparison *comparison, int32_t partition, const int64_t offsets[2])
{
    comparison->differs = true;
    comparison->differences++;
    if (comparison->json)
        (void)printf("{\"partition\":%" PRId32, partition);
    else
        (void)printf("partition %" PRId32 " differs first at", partition);
    for (int i = 0; i < 2; i++) {
        if (comparison->json && offsets[i] >= 0)
            (void)printf(",\"%s\":%" PRId64, i == 0 ? "first" : "second", offsets[i]);
        else if (!comparison->json && offsets[i] >= 0)
            (void)printf(" %s@%" PRId64, comparison->sides[i].topic, offsets[i]);
        else if (!comparison->json)
            (void)printf(" (end of %s)", comparison->sides[i].topic);
    }
    (void)printf(comparison->json ? "}\n" : "\n");
}

static bool take(void *self, int32_t partition, const struct log_inspection *inspection)
{
    struct comparison *comparison = self;
    struct digest known;

    if (!comparison->raw && !topic_counts(comparison->sides[comparison->second].topic, inspection))
        return true;
    struct digest digest = digest_of(comparison, inspection);
    comparison->sides[comparison->second].records++;
    if (!comparison->second)
        comparison->failed = fwrite(&digest, sizeof(digest), 1, comparison->digests) != 1;
    else if (fread(&known, sizeof(known), 1, comparison->digests) != 1)
        report(comparison, partition, (const int64_t[]){-1, digest.offset});
    else if (!uuid_equal(&known.content, &digest.content))
        report(comparison, partition, (const int64_t[]){known.offset, digest.offset});
    return !comparison->failed && !comparison->differs;
}

static bool read_side(struct comparison *comparison, int32_t partition, int32_t *ret_count,
                      struct error *error)
{
    const struct side *side = &comparison->sides[comparison->second];
    const struct topic_reading_options options = {
        .brokers = side->brokers,
        .topic = side->topic,
        .partition = partition,
        .self = comparison,
        .record = take,
    };
    struct topic_reading *reading = topic_reading_open(&options, error);
    bool read = reading != NULL && topic_reading_run(reading, error);

    if (read)
        *ret_count = topic_reading_partition_count(reading);
    topic_reading_close(reading);
    if (read && comparison->failed)
        return error_set(error, FAULT_IO_FAILED, "a record could not be compared");
    return read;
}

static bool compare_partition(struct comparison *comparison, int32_t partition,
                              int32_t ret_counts[2], struct error *error)
{
    struct digest left;

    comparison->digests = tmpfile();
    if (comparison->digests == NULL)
        return error_set(error, FAULT_IO_FAILED, "no temporary file");
    comparison->second = comparison->differs = false;
    bool read = read_side(comparison, partition, &ret_counts[0], error);
    rewind(comparison->digests);
    comparison->second = true;
    read = read && read_side(comparison, partition, &ret_counts[1], error);
    if (read && !comparison->differs && fread(&left, sizeof(left), 1, comparison->digests) == 1)
        report(comparison, partition, (const int64_t[]){left.offset, -1});
    (void)fclose(comparison->digests);
    return read;
}

static bool compare_all(struct comparison *comparison, struct error *error)
{
    const struct side *sides = comparison->sides;
    int32_t counts[2] = {1, 1};

    for (int32_t i = 0; i < counts[0]; i++) {
        if (!compare_partition(comparison, i, counts, error))
            return false;
        if (counts[0] != counts[1])
            return error_set(error, FAULT_LOG_FAILED,
                             "%s has %" PRId32 " partitions, %s has %" PRId32, sides[0].topic,
                             counts[0], sides[1].topic, counts[1]);
    }
    (void)printf(comparison->json ? "{\"first_records\":%" PRId64 ",\"second_records\":%" PRId64
                                    ",\"partitions_that_differ\":%" PRId64 "}\n"
                                  : "%" PRId64 " records compared with %" PRId64 ", %" PRId64
                                    " partitions differ\n",
                 sides[0].records, sides[1].records, comparison->differences);
    return comparison->differences == 0 ||
           error_set(error, FAULT_DATA_CORRUPT, "%" PRId64 " partitions differ",
                     comparison->differences);
}

static bool read_arguments(int argc, char **argv, struct comparison *comparison,
                           struct error *error)
{
    const struct command_flag flags[] = {
        {"raw", &comparison->raw}, {"json", &comparison->json}, {0}};

    if (!command_words(argc, argv, flags, 2, error))
        return false;
    if (optind + 2 != argc)
        return error_set(error, FAULT_CONFIG_INVALID, "two topics are needed, try --help");
    comparison->sides[0].topic = topic_named(argv[optind]);
    comparison->sides[1].topic = topic_named(argv[optind + 1]);
    return true;
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct comparison comparison = {0};
    struct diff_settings given;

    if (!read_arguments(argc, argv, &comparison, error) || !config_load(settings, &given, error))
        return COMMAND_MISUSED;
    comparison.sides[0].brokers = given.brokers;
    comparison.sides[1].brokers =
        given.other_brokers[0] == '\0' ? given.brokers : given.other_brokers;
    buffer_init(&comparison.content, RECORD_BYTES_MAX);
    bool same = compare_all(&comparison, error);
    buffer_done(&comparison.content);
    return same ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command diff = {
    .words = {"diff"},
    .arguments = "TOPIC|CONTEXT TOPIC|CONTEXT [--raw] [--json]",
    .help = "  Compares two topics partition by partition, in order: key, value, and all headers\n"
            "  but ce_fence and ce_position. Says where each partition differs first, and exits\n"
            "  with 1 if any does. So `sijangctl diff catalog sijang.catalog.public.v1` tells\n"
            "  whether a relay has published everything, once and in order.\n"
            "\n"
            "  --raw   all records; otherwise only events that count by the readers' rule, and\n"
            "          every event where nobody claims: in public topics and copies\n"
            "  --json  an object a line\n"
            "\n"
            "  Example: sijangctl diff catalog catalog.copy --raw\n",
    .settings = settings,
    .run = run,
};
