/* The history against itself, and against lib/log's reader. */
#include "tests/simulation/verdict.h"

#include "command-svc/contexts.h"
#include "lib/log/reader.h"
#include "tests/simulation/history.h"
#include "tests/simulation/world.h"
#include <stdlib.h>

#define READ_AT_ONCE 50

static void check_command(const struct world *world, const struct history *history, int number)
{
    const struct history_commit *commit = &history->commits[number];

    for (int i = 0; i < number; i++)
        if (uuid_equal(&history->commits[i].command_id, &commit->command_id))
            world_fail(world, "a command is in the history twice, at %lld and %lld",
                       (long long)history->commits[i].last_offset, (long long)commit->last_offset);
}

static int64_t version_before(const struct history *history, int number)
{
    const struct history_commit *commit = &history->commits[number];

    for (int i = number - 1; i >= 0; i--) {
        const struct history_commit *earlier = &history->commits[i];
        if (stream_equal(&earlier->stream, &commit->stream))
            return earlier->events[earlier->count - 1].seen.version;
    }
    return 0;
}

static void check_versions(const struct world *world, const struct history *history, int number)
{
    const struct history_commit *commit = &history->commits[number];
    int64_t version = version_before(history, number);

    for (int i = 0; i < commit->count; i++)
        if (commit->events[i].seen.version != ++version)
            world_fail(world, "version %lld at offset %lld of partition %d, where %lld was due",
                       (long long)commit->events[i].seen.version, (long long)commit->last_offset,
                       (int)commit->partition, (long long)version);
}

void verdict_of_history(const struct world *world, const struct history *history)
{
    for (int i = 0; i < history->commit_count; i++) {
        check_command(world, history, i);
        check_versions(world, history, i);
    }
}

/* lib/log's reader beside the history, one context at a time. */
struct comparison {
    const struct world *world;
    const struct history *history;
    int context;
    int next[8]; /* by partition: the commit due */
};

static int skip_to(const struct comparison *comparison, int32_t partition)
{
    const struct history *history = comparison->history;
    int number = comparison->next[partition];

    while (number < history->commit_count &&
           (history->commits[number].partition != partition ||
            history->commits[number].context != comparison->context))
        number++;
    return number;
}

static void on_commit(void *self, int32_t source, const struct log_event *events, size_t count,
                      const struct log_position *after)
{
    struct comparison *comparison = self;
    int number = skip_to(comparison, source);
    const struct history_commit *commit = &comparison->history->commits[number];
    (void)after;

    if (number == comparison->history->commit_count || events[0].offset != commit->first_offset ||
        events[count - 1].offset != commit->last_offset || (int)count != commit->count)
        world_fail(comparison->world, "a reader delivers a commit at %lld that does not count",
                   (long long)events[0].offset);
    comparison->next[source] = number + 1;
}

static void on_advanced(void *self, int32_t source, const struct log_position *after)
{
    (void)self, (void)source, (void)after;
}

static void on_stopped(void *self, int32_t source, const struct error *error)
{
    const struct comparison *comparison = self;

    world_fail(comparison->world, "a reader stops in partition %d: %s", (int)source, error->detail);
}

static void compare_context(struct world *world, struct comparison *comparison)
{
    struct log_reader_handler handler = {comparison, on_commit, on_advanced, on_stopped};
    const char *topic = world->topics[comparison->context];
    struct log_port *port = sim_port_create(world->broker);
    struct log_reader *reader = log_reader_create(port, &handler, world->plan.partitions, NULL);
    struct log_position beginning;
    int32_t source;

    log_position_start(&beginning);
    for (int32_t partition = 0; partition < world->plan.partitions; partition++)
        if (!log_reader_attach(reader, &(struct log_reading){topic, partition, &beginning}, &source,
                               NULL))
            world_fail(world, "a reader cannot be attached");
    while (!log_reader_at_end(reader))
        log_reader_poll(reader, 1 + (size_t)chance_draw(&world->chance, READ_AT_ONCE), 0);
    for (int32_t partition = 0; partition < world->plan.partitions; partition++)
        if (skip_to(comparison, partition) != comparison->history->commit_count)
            world_fail(world, "a reader misses commits of %s/%d", topic, (int)partition);
    log_reader_destroy(reader);
    sim_port_destroy(port);
}

void verdict_of_readers(struct world *world, const struct history *history)
{
    for (int context = 0; context < world->context_count; context++)
        compare_context(world, &(struct comparison){world, history, context, {0}});
}
