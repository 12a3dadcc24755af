/* The rows of a partition number begin absent, so the database is not asked for any. */
#include "projector/replay.h"

#include "lib/core/clock.h"
#include "lib/db/copy.h"
#include "lib/log/kafka_port.h"
#include "projector/parking.h"
#include "projector/positions.h"
#include "projector/replay_rows.h"
#include <stdlib.h>
#include <string.h>

#define POLL_RECORDS_MAX     64  /* few at once: their headers stay where the processor has them */
#define SLICE_RECORDS        512 /* of work, between rests: a few milliseconds */
#define POLL_TIMEOUT_MS      200
#define BATCH_BYTES          ((size_t)4 * 1024 * 1024)
#define BATCH_BYTES_MAX      ((size_t)512 * 1024 * 1024)
#define FETCHED_BYTES        ((size_t)8 * 1024 * 1024)
#define FETCH_BYTES          ((size_t)512 * 1024) /* what appends and live fetches may wait for */
#define LABEL_BYTES_MAX      ((size_t)16 * 1024 * 1024)
#define STATEMENTS_MAX       16
#define SLICES_MAX           4096
#define STATEMENT_TIMEOUT_MS 0 /* a copy takes as long as it has rows */

struct replay {
    struct replay_options options;
    struct arena labels;
    struct arena arena; /* positions */
    struct projection *projection;
    struct feeds feeds;
    struct batch batch;
    const struct db_statement *statements[STATEMENTS_MAX];
    struct db_connection *connection;
    struct log_port *port;
    struct log_reader *reader;
    int64_t *ends;                /* by feed: what is replayed ends there, for every slice alike */
    struct log_position *reached; /* by feed */
    struct log_position *folded;  /* by feed: what the rows say */
    bool poisoned;                /* what comes behind `folded` has to be parked */
    struct error intake;
    uint32_t slice, slice_count;
    struct replay_rows rows;
    int64_t read_us, copy_us;
};

static void take_commit(void *self, int32_t number, const struct log_event *events, size_t count,
                        const struct log_position *after)
{
    struct replay *replay = self;
    size_t feed = replay->feeds.by_number[number];
    struct read_commit commit = {.events = events, .count = count, .after = after};
    if (replay->intake.fault != FAULT_NONE || after->next > replay->ends[feed])
        return;
    if (batch_add(&replay->batch, feed, replay->feeds.items[feed].context, &commit,
                  &replay->intake))
        replay->reached[feed] = *after;
}

static void take_advance(void *self, int32_t number, const struct log_position *after)
{
    struct replay *replay = self;
    size_t feed = replay->feeds.by_number[number];
    if (after->next <= replay->ends[feed])
        replay->reached[feed] = *after;
}

static void take_stop(void *self, int32_t number, const struct error *error)
{
    struct replay *replay = self;
    (void)number;
    if (replay->intake.fault == FAULT_NONE)
        replay->intake = *error;
}

static const enum db_type slice_types[] = {DB_TEXT};

/* Some rows of a partition are there, its position is not: what is found so after a crash is begun
 * again. */
static const struct db_statement note_slice = {
    .name = "rebuild_note_slice",
    .sql = "UPDATE projector.rebuild SET sliced = true WHERE view = $1",
    .parameters = slice_types,
    .parameter_count = COUNT_OF(slice_types),
};

static bool connect_all(struct replay *replay, struct error *error)
{
    const struct projector_config *config = replay->options.config;
    const struct log_reader_handler handler = {
        .self = replay, .commit = take_commit, .advanced = take_advance, .stopped = take_stop};
    size_t count = 0;
    for (; position_statements[count] != NULL; count++)
        replay->statements[count] = position_statements[count];
    for (size_t i = 0; parking_statements[i] != NULL; i++)
        replay->statements[count++] = parking_statements[i];
    replay->statements[count] = &note_slice;
    const char *name = arena_print(&replay->labels, "sijang-projector rebuild %s", config->process);
    if (name == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "connecting");
    replay->connection = db_connect(
        &(struct db_options){
            .conninfo = config->database.reveal,
            .search_path = replay->options.view->schema,
            .application_name = name,
            .asynchronous_commit = true,
            .timeout_ms = STATEMENT_TIMEOUT_MS,
            .statements = replay->statements,
        },
        error);
    if (replay->connection == NULL)
        return false;
    replay->port = kafka_port_create(
        &(struct kafka_port_options){
            .brokers = config->kafka_brokers,
            .client_id = "rebuild",
            .fetched_bytes_max = FETCHED_BYTES,
            .fetch_bytes_max = FETCH_BYTES,
        },
        error);
    if (replay->port == NULL)
        return false;
    replay->reader = log_reader_create(replay->port, &handler, (int32_t)config->partitions, error);
    return replay->reader != NULL;
}

static bool make_lists(struct replay *replay, struct error *error)
{
    const struct projector_config *config = replay->options.config;
    const struct view *view = replay->options.view;
    if (!feeds_create((int32_t)config->partitions, &replay->feeds, error) ||
        !batch_init(&replay->batch, replay->feeds.count, BATCH_BYTES_MAX, error))
        return false;
    event_set_add(&replay->batch.wanted, view);
    struct cache *cache = &replay->projection->cache;
    cache_done(cache);
    cache_init(cache, view->row, view->key, (size_t)config->rebuild_bytes, 0);
    if (!replay_rows_init(&replay->rows, view, cache, error))
        return false;
    replay->rows.copies_on = replay->options.copies_on;
    replay->rows.self = replay->options.self;
    replay->ends = calloc(replay->feeds.count, sizeof(*replay->ends));
    replay->reached = calloc(replay->feeds.count, sizeof(*replay->reached));
    replay->folded = calloc(replay->feeds.count, sizeof(*replay->folded));
    return (replay->ends != NULL && replay->reached != NULL && replay->folded != NULL) ||
           error_set(error, FAULT_OUT_OF_MEMORY, "replaying");
}

struct replay *replay_open(const struct replay_options *options, struct error *error)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    if (replay == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "replaying %s", options->view->name);
        return NULL;
    }
    replay->options = *options;
    arena_init(&replay->arena, BATCH_BYTES_MAX);
    arena_init(&replay->labels, LABEL_BYTES_MAX);
    replay->projection = projection_create(options->view, options->config, &replay->labels, error);
    if (replay->projection != NULL && make_lists(replay, error) && connect_all(replay, error))
        return replay;
    return replay_close(replay);
}

struct replay *replay_close(struct replay *replay)
{
    if (replay == NULL)
        return NULL;
    if (replay->reader != NULL)
        log_reader_destroy(replay->reader);
    replay->port = kafka_port_destroy(replay->port);
    replay->connection = db_close(replay->connection);
    replay->projection = projection_destroy(replay->projection);
    batch_done(&replay->batch);
    feeds_destroy(&replay->feeds);
    free(replay->ends);
    free(replay->reached);
    free(replay->folded);
    replay_rows_done(&replay->rows);
    arena_done(&replay->labels);
    arena_done(&replay->arena);
    free(replay);
    return NULL;
}

static struct source *sources_of(struct replay *replay, int32_t partition)
{
    struct sources *sources = &replay->projection->sources;
    return &sources->items[(size_t)partition * sources->context_count];
}

static bool attach(struct replay *replay, int32_t partition, struct error *error)
{
    struct source *sources = sources_of(replay, partition);
    struct log_position start;
    log_position_start(&start);
    for (size_t i = 0; i < replay->projection->sources.context_count; i++) {
        struct feed *feed = &replay->feeds.items[sources[i].feed];
        const struct log_reading reading = {sources[i].context->topic, partition, &start};
        if (!log_reader_attach(replay->reader, &reading, &feed->number, error))
            return error_add(error, "%s/%d", reading.topic, (int)partition);
        replay->feeds.by_number[feed->number] = sources[i].feed;
        replay->reached[sources[i].feed] = replay->folded[sources[i].feed] = start;
    }
    return true;
}

static void detach(struct replay *replay, int32_t partition)
{
    struct source *sources = sources_of(replay, partition);
    for (size_t i = 0; i < replay->projection->sources.context_count; i++)
        if (replay->feeds.items[sources[i].feed].number != FEED_UNNUMBERED)
            log_reader_detach(replay->reader, replay->feeds.items[sources[i].feed].number);
}

/* The first slice sets the end: what the log has when it gets there. */
static bool is_at_end(struct replay *replay, int32_t partition)
{
    const struct source *sources = sources_of(replay, partition);
    for (size_t i = 0; i < replay->projection->sources.context_count; i++)
        if (replay->reached[sources[i].feed].next < replay->ends[sources[i].feed])
            return log_reader_at_end(replay->reader);
    return true;
}

static void set_ends(struct replay *replay, int32_t partition)
{
    const struct source *sources = sources_of(replay, partition);
    for (size_t i = 0; i < replay->projection->sources.context_count; i++)
        replay->ends[sources[i].feed] =
            replay->slice == 0 ? INT64_MAX : replay->folded[sources[i].feed].next;
}

/* The batch into the rows in memory. */
static bool fold(struct replay *replay, struct error *error)
{
    struct fold *fold = &replay->projection->fold;
    const struct db_rows none = {0};
    size_t end = replay->batch.commit_count;
    fold->slice = replay->slice;
    fold->slice_count = replay->slice_count;
    if (!fold_touch(fold, &replay->batch, &replay->projection->sources, end, error))
        return false;
    if (fold->refusal.commit == NULL &&
        (!fold_fill(fold, &none, error) ||
         !fold_apply(fold, &replay->projection->sources, end, error)))
        return false;
    replay->poisoned = fold->refusal.commit != NULL || fold->park_count > 0;
    if (replay->poisoned) {
        fold_undo(fold);
        return true;
    }
    memcpy(replay->folded, replay->reached, replay->feeds.count * sizeof(*replay->folded));
    return fold_keep(fold, error);
}

/* The slices before have gone further. */
static bool is_too_late(const struct replay *replay, struct error *error)
{
    return replay->slice > 0 &&
           !error_set(error, FAULT_LIMIT_EXCEEDED,
                      "an event has to be parked and the rows do not fit into memory: allow the "
                      "rebuild more of it");
}

static enum replay_outcome read_slice(struct replay *replay, int32_t partition, struct error *error)
{
    replay->intake = (struct error){0};
    replay->poisoned = false;
    if (!attach(replay, partition, error))
        return REPLAY_FAILED;
    while (!replay->poisoned && !is_at_end(replay, partition)) {
        size_t records = 0, got = 1;
        batch_clear(&replay->batch);
        while (got > 0 && records < SLICE_RECORDS && replay->batch.bytes < BATCH_BYTES &&
               replay->intake.fault == FAULT_NONE) {
            got = log_reader_poll(replay->reader, POLL_RECORDS_MAX,
                                  records > 0 ? 0 : POLL_TIMEOUT_MS);
            records += got;
        }
        if (replay->intake.fault != FAULT_NONE) {
            *error = replay->intake;
            return REPLAY_FAILED;
        }
        if (!fold(replay, error))
            return REPLAY_FAILED;
        if (!replay->options.goes_on(replay->options.self, (int64_t)records))
            return REPLAY_GIVEN_UP;
    }
    return replay->poisoned && is_too_late(replay, error) ? REPLAY_FAILED : REPLAY_DONE;
}

/* The last slice brings the position. */
static bool copy(struct replay *replay, int32_t partition, int64_t *ret_rows, struct error *error)
{
    const struct view *view = replay->options.view;
    struct projection *projection = replay->projection;
    struct projection_set set = {.items = &projection, .count = 1};
    struct source *sources = sources_of(replay, partition);
    struct db_value values[POSITIONS_FENCE_VALUES];
    bool last = replay->slice + 1 == replay->slice_count;
    size_t moved;
    struct db_copying copying = {
        .sql = view->copy,
        .types = view->upsert->parameters,
        .record = view->row,
        .next = replay_rows_next,
        .self = &replay->rows,
        .statement = last ? &positions_fence : &note_slice,
        .values = values,
    };
    sources_retarget(&projection->sources);
    for (size_t i = 0; i < projection->sources.context_count; i++) {
        sources[i].target = replay->folded[sources[i].feed];
        replay->feeds.items[sources[i].feed].end = sources[i].target.next;
    }
    const struct fence fence = {.set = &set, .feeds = &replay->feeds};
    if (last && !positions_make_fence(&fence, &replay->arena, values, &moved, error))
        return false;
    if (!last)
        values[0] = db_text(text_of(view->name));
    replay_rows_begin(&replay->rows);
    return db_copy(replay->connection, &copying, ret_rows, error);
}

/* With as many slices as there are: FAILED with OUT_OF_MEMORY asks for more of them. */
static enum replay_outcome replay_in_slices(struct replay *replay, int32_t partition,
                                            int64_t *ret_rows, struct error *error)
{
    *ret_rows = 0;
    for (replay->slice = 0; replay->slice < replay->slice_count; replay->slice++) {
        int64_t rows;
        set_ends(replay, partition);
        projection_forget(replay->projection);
        int64_t begun_us = clock_boot_us();
        enum replay_outcome outcome = read_slice(replay, partition, error);
        int64_t read_us = clock_boot_us();
        replay->read_us += read_us - begun_us;
        if (outcome != REPLAY_DONE)
            return outcome;
        if (!copy(replay, partition, &rows, error))
            return REPLAY_FAILED;
        replay->copy_us += clock_boot_us() - read_us;
        *ret_rows += rows;
    }
    sources_stored(&replay->projection->sources);
    return REPLAY_DONE;
}

static bool is_replayed(struct replay *replay, int32_t partition)
{
    const struct source *sources = sources_of(replay, partition);
    for (size_t i = 0; i < replay->projection->sources.context_count; i++)
        if (sources[i].stored.next > 0)
            return true;
    return false;
}

static enum replay_outcome replay_rows(struct replay *replay, int32_t partition, int64_t *ret_rows,
                                       struct error *error)
{
    struct projection_set set = {.items = &replay->projection, .count = 1};
    *ret_rows = 0;
    replay->read_us = replay->copy_us = 0;
    if (!positions_load(replay->connection, &set, &replay->arena, error) ||
        !parking_load(replay->connection, &set, &replay->arena, error))
        return REPLAY_FAILED;
    if (is_replayed(replay, partition))
        return REPLAY_DONE;
    for (replay->slice_count = 1; replay->slice_count <= SLICES_MAX; replay->slice_count *= 2) {
        enum replay_outcome outcome = replay_in_slices(replay, partition, ret_rows, error);
        if (outcome != REPLAY_FAILED || error->fault != FAULT_OUT_OF_MEMORY || replay->slice > 0)
            return outcome;
    }
    return REPLAY_FAILED;
}

int64_t replay_read_us(const struct replay *replay)
{
    return replay->read_us;
}

int64_t replay_copy_us(const struct replay *replay)
{
    return replay->copy_us;
}

uint32_t replay_slices(const struct replay *replay)
{
    return replay->slice_count;
}

enum replay_outcome replay_partition(struct replay *replay, int32_t partition, int64_t *ret_rows,
                                     struct error *error)
{
    enum replay_outcome outcome = replay_rows(replay, partition, ret_rows, error);
    detach(replay, partition);
    projection_forget(replay->projection);
    arena_reset(&replay->arena);
    return outcome;
}
