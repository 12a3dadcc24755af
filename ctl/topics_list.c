/* sijangctl topics: what there is on the broker, and how much of it. */
#include "ctl/command.h"

#include "ctl/topic_reading.h"
#include "lib/core/arena.h"
#include "lib/core/buffer.h"
#include "schemas/contexts.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define TOPICS_MAX      4096
#define ARENA_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define LINE_BYTES_MAX  ((size_t)4096)

static const struct config_entry settings[] = {BROKERS_SETTING(struct brokers_settings), {0}};

struct listed_topic {
    const char *name;
    int32_t partition_count;
};

struct listing {
    bool json;
    bool partitions; /* a line each */
    struct arena arena;
    struct buffer line;
    struct listed_topic topics[TOPICS_MAX];
    size_t count;
};

static bool list_topic(void *self, const char *topic, int32_t partition_count)
{
    struct listing *listing = self;
    const char *name = arena_print(&listing->arena, "%s", topic);

    if (name == NULL || listing->count == TOPICS_MAX)
        return false;
    listing->topics[listing->count++] = (struct listed_topic){name, partition_count};
    return true;
}

static const char *context_of(const char *topic)
{
    const struct context *context = context_of_topic(topic);

    return context == NULL ? "-" : context->name;
}

/* `partition` is the number of one, or how many there are. */
static void print_line(struct listing *listing, const struct listed_topic *topic, int32_t partition,
                       const struct log_span *span)
{
    struct buffer *line = &listing->line;

    buffer_clear(line);
    if (listing->json) {
        buffer_put_string(line, "{\"topic\":");
        buffer_put_json_string(line, text_of(topic->name));
        buffer_print(line,
                     ",\"context\":\"%s\",\"%s\":%" PRId32 ",\"first\":%" PRId64 ",\"end\":%" PRId64
                     ",\"records\":%" PRId64 "}",
                     context_of(topic->name), listing->partitions ? "partition" : "partitions",
                     partition, span->first, span->end, span->end - span->first);
    } else {
        buffer_print(line, "%-40s %-14s %10" PRId32 " %12" PRId64 " %12" PRId64 " %12" PRId64,
                     topic->name, context_of(topic->name), partition, span->first, span->end,
                     span->end - span->first);
    }
    (void)printf("%.*s\n", TEXT_ARGS(buffer_text(line)));
}

static bool print_topic(struct listing *listing, struct log_admin *admin,
                        const struct listed_topic *topic, struct error *error)
{
    struct log_span sum = {0};

    for (int32_t i = 0; i < topic->partition_count; i++) {
        const struct log_place place = {topic->name, i};
        struct log_span span;
        if (!log_admin_span(admin, &place, &span, error))
            return false;
        sum.first += span.first;
        sum.end += span.end;
        if (listing->partitions)
            print_line(listing, topic, i, &span);
    }
    if (!listing->partitions)
        print_line(listing, topic, topic->partition_count, &sum);
    return true;
}

static bool print_all(struct listing *listing, struct log_admin *admin, struct error *error)
{
    if (!log_admin_topics(admin, list_topic, listing, error))
        return false;
    if (!listing->json)
        (void)printf("%-40s %-14s %10s %12s %12s %12s\n", "TOPIC", "CONTEXT",
                     listing->partitions ? "PARTITION" : "PARTITIONS", "FIRST", "END", "RECORDS");
    for (size_t i = 0; i < listing->count; i++)
        if (!print_topic(listing, admin, &listing->topics[i], error))
            return false;
    return true;
}

static bool read_arguments(int argc, char **argv, struct listing *listing, struct error *error)
{
    const struct command_flag flags[] = {
        {"json", &listing->json}, {"partitions", &listing->partitions}, {0}};

    return command_words(argc, argv, flags, 0, error);
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    static struct listing listing;
    struct brokers_settings given;

    if (!read_arguments(argc, argv, &listing, error) || !config_load(settings, &given, error))
        return COMMAND_MISUSED;
    arena_init(&listing.arena, ARENA_BYTES_MAX);
    buffer_init(&listing.line, LINE_BYTES_MAX);
    struct log_admin *admin = log_admin_open(given.brokers, ADMIN_TIMEOUT_MS, error);
    bool printed = admin != NULL && print_all(&listing, admin, error);
    log_admin_close(admin);
    buffer_done(&listing.line);
    arena_done(&listing.arena);
    return printed ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command topics_list = {
    .words = {"topics"},
    .arguments = "[--partitions] [--json]",
    .help = "  Lists the broker's topics: partitions, where they begin and end, records. Of a\n"
            "  topic's line, FIRST and END are sums over its partitions.\n"
            "\n"
            "  --partitions  a line for each partition\n"
            "  --json        an object a line\n"
            "\n"
            "  Example: sijangctl topics --partitions\n",
    .settings = settings,
    .run = run,
};
