/* A shard's beginning and end: indexes, lanes, the log. */
#include "command-svc/shard_inside.h"
#include "lib/core/logger.h"
#include "lib/log/port.h"
#include <stdlib.h>
#include <string.h>

#define CALL_ARENA_MAX     (4 * 1024 * 1024)
#define INDEX_MAP_BYTES    (256 * 1024 * 1024)
#define SETTLE_BACKOFF_US  50000
#define SETTLE_BACKOFF_MAX 2000000

static bool open_index(struct shard *shard, struct holding *holding, int32_t partition,
                       struct error *error)
{
    const char *names[CONTEXTS_MAX + 1] = {0};
    bool wiped;
    char *path = arena_print(&shard->arena, "%s/%d", shard->config->index_path, partition);

    if (path == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "opening the index");
    for (int c = 0; c < shard->context_count; c++)
        names[c] = contexts[shard->hosting.contexts[c]]->name;
    holding->index = index_open(
        &(struct index_options){
            .path = path,
            .contexts = names,
            .map_size_bytes = INDEX_MAP_BYTES,
            .overlay_bytes_max = (size_t)shard->config->overlay_bytes_max,
            .format = store_format(),
        },
        &wiped, error);
    if (holding->index == NULL)
        return false;
    if (wiped)
        log_warning("index_wiped", LOG_NUMBER("partition", partition));
    return true;
}

static bool open_lane(struct shard *shard, struct holding *holding, int32_t partition, int place,
                      struct error *error)
{
    const struct context *context = contexts[shard->hosting.contexts[place]];
    struct lane *lane = &holding->lanes[place];
    struct log_position from;

    *lane = (struct lane){
        .store = {.context = context,
                  .index = index_context(holding->index, context->name),
                  .scratch = &shard->scratch},
        .index = holding->index,
        .number = partition,
        .arena = &shard->arena,
        .payloads = &shard->payloads,
        .open_calls = &shard->open_calls,
        .tenure = {.ownership = shard->ownership, .topic = place},
        .gate = &shard->gate,
    };
    char *topic = arena_print(&shard->arena, "sijang.%s.events.v1", context->name);
    if (topic == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "opening a lane");
    struct text stored = index_position(lane->store.index);
    log_position_start(&from);
    if (stored.size == sizeof(from))
        memcpy(&from, stored.bytes, sizeof(from));
    lane->position = from;
    struct log_attachment attachment = {
        .topic = topic,
        .partition = partition,
        .from = &from,
        .user = lane,
    };
    if (!log_writer_attach(shard->writer, &attachment, &lane->log, error))
        return error_add(error, "%s/%d", topic, partition);
    if (!reactor_create(lane, &shard->reactions, &lane->reactor, error))
        return false;
    ownership_begin(lane);
    return true;
}

static bool open_log(struct shard *shard, const struct uuid *incarnation, struct error *error)
{
    struct log_writer_options options = {
        .partition_count = (int32_t)shard->config->partitions,
        .incarnation = *incarnation,
        .settle_backoff_us_min = SETTLE_BACKOFF_US,
        .settle_backoff_us_max = SETTLE_BACKOFF_MAX,
    };

    shard->writer = log_writer_create(shard->port, &lane_owner, &options, error);
    return shard->writer != NULL;
}

static bool open_all(struct shard *shard, struct error *error)
{
    for (size_t i = 0; i < shard->holding_count; i++) {
        int32_t partition = shard->number + (int32_t)i * (int32_t)shard->config->shards;
        if (!open_index(shard, &shard->holdings[i], partition, error))
            return error_add(error, "index of partition %d", partition);
        for (int c = 0; c < shard->context_count; c++)
            if (!open_lane(shard, &shard->holdings[i], partition, c, error))
                return false;
    }
    return true;
}

/* What came back after the last turn, and what never will: all calls have ended. */
static void end_reactions(struct shard *shard)
{
    for (size_t i = 0; i < shard->holding_count; i++)
        for (int c = 0; c < shard->context_count; c++)
            reactor_deposed(shard->holdings[i].lanes[c].reactor);
    returns_take(&shard->returns);
    for (size_t i = 0; i < shard->holding_count; i++)
        for (int c = 0; c < shard->context_count; c++)
            reactor_destroy(shard->holdings[i].lanes[c].reactor);
}

struct shard *shard_close(struct shard *shard)
{
    if (shard == NULL)
        return NULL;
    end_reactions(shard);
    returns_done(&shard->returns);
    if (shard->writer != NULL)
        log_writer_destroy(shard->writer);
    for (size_t i = 0; i < shard->holding_count; i++)
        index_close(shard->holdings[i].index);
    free(shard->holdings);
    arena_done(&shard->arena);
    buffer_done(&shard->payloads);
    buffer_done(&shard->scratch);
    pthread_mutex_destroy(&shard->mutex);
    history_queue_done(&shard->histories);
    free(shard);
    return NULL;
}

static bool deliver(void *self, struct call *call, int32_t partition, int context)
{
    struct shard *shard = self;

    if (shard->options.deliver != NULL)
        return shard->options.deliver(shard->options.deliver_self, call, partition, context);
    if (partition % shard->config->shards != shard->number)
        return false;
    call->partition = partition;
    call->context = context;
    return shard_submit(shard, call, partition, context);
}

static void give_back(void *self, struct call *call)
{
    struct shard *shard = self;

    returns_put(&shard->returns, call);
    log_writer_wake(shard->writer);
}

static struct shard *create(const struct shard_options *options)
{
    const struct command_config *config = options->config;
    struct shard *shard = calloc(1, sizeof(*shard));

    if (shard == NULL)
        return NULL;
    shard->config = config;
    shard->number = options->number;
    shard->port = options->port;
    shard->options = *options;
    shard->gate = (struct gate){
        .lane_calls_max = (size_t)config->partition_calls_max,
        .latency_us_max = config->latency_ms_max * 1000,
        .reached_boot_us = options->port->boot_us(options->port),
    };
    shard->reactions = (struct reactor_port){
        .self = shard,
        .partition_count = (int32_t)config->partitions,
        .deliver = deliver,
        .give_back = give_back,
        .mirror = options->mirror,
    };
    returns_init(&shard->returns);
    shard->ownership = options->ownership;
    if (options->hosting != NULL)
        shard->hosting = *options->hosting;
    else
        hosting_all(&shard->hosting);
    shard->context_count = shard->hosting.count;
    pthread_mutex_init(&shard->mutex, NULL);
    history_queue_init(&shard->histories);
    arena_init(&shard->arena, CALL_ARENA_MAX);
    buffer_init(&shard->payloads, DECISION_EVENTS_MAX * LOG_RECORD_BYTES_MAX);
    buffer_init(&shard->scratch, STORE_VALUE_BYTES_MAX);
    size_t count =
        (size_t)((config->partitions - shard->number + config->shards - 1) / config->shards);
    shard->holdings = calloc(count, sizeof(*shard->holdings));
    if (shard->holdings == NULL)
        return shard_close(shard);
    shard->holding_count = count;
    return shard;
}

struct shard *shard_open(const struct shard_options *options, struct error *error)
{
    struct shard *shard = create(options);

    if (shard == NULL)
        error_set(error, FAULT_OUT_OF_MEMORY, "opening a shard");
    else if (!open_log(shard, &options->incarnation, error) || !open_all(shard, error))
        shard = shard_close(shard);
    return shard;
}
