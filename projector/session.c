/* Sessions of a worker: from the database's positions until something goes wrong. */
#include "lib/core/logger.h"
#include "lib/log/kafka_port.h"
#include "projector/fingerprint.h"
#include "projector/parking.h"
#include "projector/positions.h"
#include "projector/worker.h"
#include <assert.h>
#include <stdlib.h>

#define FETCH_BYTES         ((size_t)128 * 1024)
#define FETCHED_RECORDS_MIN 500

static size_t list_statements(struct worker *worker)
{
    size_t count = 0;
    for (; position_statements[count] != NULL; count++)
        worker->statements[count] = position_statements[count];
    for (size_t i = 0; parking_statements[i] != NULL; i++)
        worker->statements[count++] = parking_statements[i];
    worker->statements[count++] = &fingerprint_read;
    for (size_t i = 0; i < worker->set.count; i++) {
        worker->statements[count++] = worker->set.items[i]->view->load;
        worker->statements[count++] = worker->set.items[i]->view->upsert;
    }
    worker->statements[count] = NULL;
    return count;
}

/* Every view's tables are in a schema of their own, and no two of one name. */
static const char *list_schemas(const struct worker *worker, struct arena *arena)
{
    const char *list = worker->set.items[0]->view->schema;
    for (size_t i = 1; i < worker->set.count && list != NULL; i++)
        list = arena_print(arena, "%s, %s", list, worker->set.items[i]->view->schema);
    return list;
}

static bool connect_database(struct worker *worker, struct error *error)
{
    if (worker->connection != NULL)
        return true;
    struct arena *arena = &worker->reading->arena;
    const char *schemas = list_schemas(worker, arena);
    const char *name = arena_print(arena, "sijang-projector views %s", worker->config->process);
    if (schemas == NULL || name == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "connecting");
    list_statements(worker);
    worker->connection = db_connect(
        &(struct db_options){
            .conninfo = worker->config->database.reveal,
            .search_path = schemas,
            .application_name = name,
            .asynchronous_commit = true,
            .timeout_ms = (int)worker->config->statement_timeout_ms,
            .statements = worker->statements,
        },
        error);
    return worker->connection != NULL;
}

static bool check_fingerprints(struct worker *worker, struct error *error)
{
    struct arena *arena = &worker->reading->arena;
    for (size_t i = 0; i < worker->set.count; i++) {
        const struct view *view = worker->set.items[i]->view;
        if (!fingerprint_check(worker->connection, view, arena, error) ||
            (!worker->beside && !fingerprint_check_live(worker->connection, view, arena, error)))
            return false;
    }
    return true;
}

/* What is cached is of partitions that somebody else may have worked meanwhile. */
static bool take_share(struct worker *worker, struct error *error)
{
    if (worker->share == NULL)
        return true;
    if (!share_take(worker->share, &worker->sharer, worker->held, error))
        return false;
    for (size_t i = 0; i < worker->set.count; i++)
        if (sources_hold(&worker->set.items[i]->sources, worker->held))
            projection_forget(worker->set.items[i]);
    return true;
}

/* What is cached stays only where nobody else has written since. */
static bool load_positions(struct worker *worker, struct error *error)
{
    struct arena *arena = &worker->reading->arena;
    if (!positions_compare(worker->connection, &worker->set, arena, error))
        return false;
    for (size_t i = 0; i < worker->set.count; i++)
        if (worker->set.items[i]->place != PLACE_SAME)
            projection_forget(worker->set.items[i]);
    return positions_load(worker->connection, &worker->set, arena, error) &&
           parking_load(worker->connection, &worker->set, arena, error);
}

static const struct log_position *foremost(const struct worker *worker, size_t feed)
{
    const struct log_position *first = NULL;
    for (size_t i = 0; i < worker->set.count; i++) {
        const struct source *source = worker->set.items[i]->sources.by_feed[feed];
        if (source != NULL && (first == NULL || source->stored.next > first->next))
            first = &source->stored;
    }
    return first;
}

static int64_t records_behind(const struct worker *worker, const struct sources *sources)
{
    int64_t behind = 0;
    for (size_t i = 0; i < sources->count; i++)
        if (sources->items[i].held)
            behind +=
                foremost(worker, sources->items[i].feed)->next - sources->items[i].stored.next;
    return behind;
}

static void send_laggards_apart(struct worker *worker)
{
    struct error why;
    for (size_t i = worker->set.count; i-- > 0;) {
        int64_t behind = records_behind(worker, &worker->set.items[i]->sources);
        if (behind <= worker->config->apart_records)
            continue;
        error_set(&why, FAULT_NOT_READY, "%lld records behind another view", (long long)behind);
        (void)worker_send_apart(worker, worker->set.items[i], &why);
    }
}

/* As many as a transaction takes. */
static size_t fetched_records_max(const struct projector_config *config)
{
    return config->batch_events > FETCHED_RECORDS_MIN ? (size_t)config->batch_events
                                                      : FETCHED_RECORDS_MIN;
}

static bool open_reader(struct worker *worker, struct error *error)
{
    if (worker->port == NULL)
        worker->port = kafka_port_create(
            &(struct kafka_port_options){
                .brokers = worker->config->kafka_brokers,
                .client_id = worker->home == NULL ? "projector" : worker->set.items[0]->view->name,
                .fetched_bytes_max = (size_t)worker->config->fetch_bytes,
                .fetched_records_max = fetched_records_max(worker->config),
                .fetch_bytes_max = FETCH_BYTES,
                .fetch_spacing_ms = (int)worker->config->fetch_spacing_ms,
            },
            error);
    if (worker->port == NULL)
        return false;
    if (worker->reader == NULL) {
        struct log_reader_handler handler = worker_intake;
        handler.self = worker;
        worker->reader =
            log_reader_create(worker->port, &handler, (int32_t)worker->config->partitions, error);
    }
    return worker->reader != NULL;
}

static const struct log_position *hindmost(const struct worker *worker, size_t feed)
{
    const struct log_position *last = NULL;
    for (size_t i = 0; i < worker->set.count; i++) {
        const struct source *source = worker->set.items[i]->sources.by_feed[feed];
        if (source != NULL && (last == NULL || source->stored.next < last->next))
            last = &source->stored;
    }
    return last;
}

/* The reader stands where all of its views do: when partitions have come or gone, this one did not.
 */
static bool reads_on(const struct worker *worker, size_t index)
{
    const struct feed *feed = &worker->feeds.items[index];
    if (!feed->attached || feed->disputed)
        return false;
    const struct log_position *read = log_reader_position(worker->reader, feed->number);
    for (size_t i = 0; i < worker->set.count; i++) {
        const struct source *source = worker->set.items[i]->sources.by_feed[index];
        if (source != NULL &&
            (source->stored.next != read->next || source->stored.term != read->term ||
             source->stored.seq != read->seq))
            return false;
    }
    return true;
}

/* From the place of the view that is furthest behind. The others skip what they have, and the
 * reader makes sure that the log passes through where they stand. */
static bool attach_feed(struct worker *worker, size_t index, size_t *kept, struct error *error)
{
    struct feed *feed = &worker->feeds.items[index];
    const struct log_position *from = hindmost(worker, index);
    const struct context *context = &contexts[feed->context];
    if (from == NULL) {
        if (feed->number != FEED_UNNUMBERED)
            log_reader_detach(worker->reader, feed->number);
        feed->attached = false;
        return true;
    }
    if (reads_on(worker, index)) {
        (*kept)++;
        return true;
    }
    feed->disputed = false;
    const struct log_reading reading = {context->topic, feed->partition, from};
    if (!log_reader_attach(worker->reader, &reading, &feed->number, error))
        return error_add(error, "%s/%d", context->topic, (int)feed->partition);
    worker->feeds.by_number[feed->number] = index;
    feed->attached = true;
    for (size_t i = 0; i < worker->set.count; i++) {
        const struct source *source = worker->set.items[i]->sources.by_feed[index];
        if (source == NULL || source->stored.next == from->next)
            continue;
        feed->disputed = true;
        if (!log_reader_expect(worker->reader, feed->number, &source->stored, error))
            return false;
    }
    return true;
}

static bool attach(struct worker *worker, struct error *error)
{
    size_t kept = 0;
    for (size_t i = 0; i < worker->feeds.count; i++)
        if (!attach_feed(worker, i, &kept, error))
            return false;
    if (kept > 0)
        log_info("partitions_read_on", LOG_NUMBER("feeds", (int64_t)kept));
    return true;
}

/* A fault that one view may have caused and the others need not suffer from. */
static bool is_of_a_view(const struct error *error)
{
    return error->fault == FAULT_DATABASE_FAILED || error->fault == FAULT_DATA_CORRUPT ||
           error->fault == FAULT_LOG_REPLACED || error->fault == FAULT_LOG_TRUNCATED;
}

static void start_over(struct worker *worker)
{
    batch_clear(worker->reading);
    batch_clear(worker->writing);
    worker->intake = (struct error){0};
    for (size_t i = 0; i < worker->set.count; i++)
        sources_forget_halts(&worker->set.items[i]->sources);
}

bool worker_begin_session(struct worker *worker, struct error *error)
{
    start_over(worker);
    if (!connect_database(worker, error) || !check_fingerprints(worker, error) ||
        !take_share(worker, error) || !load_positions(worker, error))
        return false;
    send_laggards_apart(worker);
    if (worker->set.count == 0)
        return true;
    if (!open_reader(worker, error) || !attach(worker, error))
        return false;
    batch_clear(worker->reading);
    return true;
}

void worker_end_session(struct worker *worker, const struct error *error)
{
    worker->waiting = *error;
    if (worker->share != NULL)
        share_put(worker->share, &worker->sharer);
    for (size_t i = 0; i < worker->feeds.count; i++)
        worker->feeds.items[i].attached = false;
    for (size_t i = worker->set.count; i-- > 0;) {
        metric_add(VIEW_METRIC_OF(&worker->set.items[i]->metrics, faults), 1);
        projection_forget(worker->set.items[i]);
        if (is_of_a_view(error))
            (void)worker_send_apart(worker, worker->set.items[i], error);
    }
    if (error->fault == FAULT_DATABASE_UNAVAILABLE || error->fault == FAULT_DATABASE_FAILED)
        worker->connection = db_close(worker->connection);
}
