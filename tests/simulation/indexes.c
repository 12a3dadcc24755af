/* Every index against the fold of the history up to its position. */
#include "command-svc/contexts.h"
#include "command-svc/store.h"
#include "command-svc/store_keys.h"
#include "command-svc/store_states.h"
#include "lib/record/avro.h"
#include "tests/simulation/history.h"
#include "tests/simulation/verdict.h"
#include "tests/simulation/world.h"
#include <stdio.h>
#include <string.h>

#define MAP_BYTES     (64 * 1024 * 1024)
#define OVERLAY_BYTES (1024 * 1024)
#define STATE_BYTES   (64 * 1024)

struct inspection {
    const struct world *world;
    struct history *history;
    int process;
    int context;
    int32_t partition;
    struct index_context *index;
    int64_t next; /* the index has what is before this offset */
};

static bool count_entry(void *self, struct text key, struct text value)
{
    (void)key, (void)value;
    (*(size_t *)self)++;
    return true;
}

static void expect_count(const struct inspection *inspection, enum index_table table,
                         size_t expected, const char *what)
{
    size_t count = 0;
    struct index_scan scan = {.visit = count_entry, .self = &count};

    if (!index_scan(inspection->index, table, &scan, NULL) || count != expected)
        world_fail(inspection->world,
                   "process %d, partition %d: %zu %s in the index, %zu in the "
                   "log",
                   inspection->process, (int)inspection->partition, count, what, expected);
}

static struct text find(const struct inspection *inspection, enum index_table table,
                        const struct store_key *key)
{
    struct text value;

    if (!index_find(inspection->index, table, store_key_text(key), &value, NULL) ||
        value.bytes == NULL)
        world_fail(inspection->world, "process %d, partition %d: something is missing in table %d",
                   inspection->process, (int)inspection->partition, (int)table);
    return value;
}

static void expect_state(const struct inspection *inspection, struct text stored,
                         const struct record *record, const struct past *past, bool is_part)
{
    struct buffer bytes;
    const void *value = is_part ? past->slot.state : past->root;
    size_t skipped = sizeof(struct state_front);

    buffer_init(&bytes, STATE_BYTES);
    avro_encode(record, value, &bytes);
    if (stored.size != bytes.size + skipped ||
        memcmp(stored.bytes + skipped, bytes.bytes, bytes.size) != 0)
        world_fail(inspection->world, "process %d, partition %d: a %s is not the fold of the log",
                   inspection->process, (int)inspection->partition, record->name);
    buffer_done(&bytes);
}

static struct text part_of(const struct aggregate *aggregate, const struct history_event *event)
{
    const char *name = aggregate->events[event->seen.kind].part;

    if (name == NULL)
        return (struct text){0};
    const struct field *field = record_find_field(event->record, name);
    return *(const struct text *)((const char *)event->seen.value + field->offset);
}

static void inspect_event(const struct inspection *inspection, const struct stream *stream,
                          const struct history_event *event, int commits)
{
    const struct aggregate *aggregate = stream->aggregate;
    struct text part = part_of(aggregate, event);
    struct store_key key;
    struct past past;

    (void)!store_key_event(aggregate->name, stream->id, event->seen.version, &key, NULL);
    struct text stored = find(inspection, INDEX_EVENTS, &key);
    if (memmem(stored.bytes, stored.size, event->payload.bytes, event->payload.size) == NULL)
        world_fail(inspection->world, "process %d: an event is not as in the log",
                   inspection->process);
    (void)history_past(inspection->history, stream, commits, part, &past);
    (void)!store_key_root(aggregate->name, stream->id, &key, NULL);
    stored = find(inspection, INDEX_ROOTS, &key);
    expect_state(inspection, stored, aggregate->root, &past, false);
    if (part.bytes == NULL)
        return;
    (void)!store_key_part(aggregate->name, stream->id, part, &key, NULL);
    expect_state(inspection, find(inspection, INDEX_PARTS, &key), aggregate->part, &past, true);
}

static bool is_in(const struct inspection *inspection, const struct history_commit *commit)
{
    return commit->context == inspection->context && commit->partition == inspection->partition &&
           commit->last_offset < inspection->next;
}

static int commits_of(const struct inspection *inspection, const struct stream *stream)
{
    const struct history *history = inspection->history;
    int count = 0;

    for (int i = 0; i < history->commit_count; i++)
        count += is_in(inspection, &history->commits[i]) &&
                 stream_equal(&history->commits[i].stream, stream);
    return count;
}

static void inspect(const struct inspection *inspection)
{
    const struct history *history = inspection->history;
    size_t events = 0, commits = 0;

    for (int i = 0; i < history->commit_count; i++) {
        const struct history_commit *commit = &history->commits[i];
        if (!is_in(inspection, commit))
            continue;
        commits++;
        events += (size_t)commit->count;
        int of_stream = commits_of(inspection, &commit->stream);
        for (int e = 0; e < commit->count; e++)
            inspect_event(inspection, &commit->stream, &commit->events[e], of_stream);
    }
    expect_count(inspection, INDEX_EVENTS, events, "events");
    expect_count(inspection, INDEX_COMMANDS, commits, "commands");
}

/* An owner that nobody told of another one's claim stands where it served last. */
static void inspect_to_position(struct inspection *inspection)
{
    struct text stored = index_position(inspection->index);
    struct log_position position;

    if (stored.size == 0)
        log_position_start(&position);
    else
        memcpy(&position, stored.bytes, sizeof(position));
    inspection->next = position.next;
    inspect(inspection);
}

static void inspect_index(const struct world *world, struct history *history, int process,
                          int32_t partition)
{
    const char *names[CONTEXTS_MAX + 1] = {0};
    char path[PROCESS_PATH_SIZE + 16];
    struct error error;
    bool wiped;

    for (int c = 0; c < world->context_count; c++)
        names[c] = contexts[c]->name;
    snprintf(path, sizeof(path), "%s/%d", world->processes[process].path, (int)partition);
    struct index_options options = {
        .path = path,
        .contexts = names,
        .map_size_bytes = MAP_BYTES,
        .overlay_bytes_max = OVERLAY_BYTES,
        .format = store_format(),
    };
    struct index *index = index_open(&options, &wiped, &error);
    if (index == NULL || wiped)
        world_fail(world, "the index of process %d cannot be opened again", process);
    for (int c = 0; c < world->context_count; c++)
        inspect_to_position(&(struct inspection){
            .world = world,
            .history = history,
            .process = process,
            .context = c,
            .partition = partition,
            .index = index_context(index, contexts[c]->name),
        });
    index_close(index);
}

void verdict_of_indexes(const struct world *world, struct history *history, int process)
{
    for (int32_t partition = 0; partition < world->plan.partitions; partition++)
        inspect_index(world, history, process, partition);
}
