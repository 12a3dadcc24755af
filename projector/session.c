/* Sessions of a worker: from the database's positions until something goes wrong. */
#include "lib/core/logger.h"
#include "lib/log/kafka_port.h"
#include "projector/fingerprint.h"
#include "projector/positions.h"
#include "projector/worker.h"
#include <assert.h>

static bool connect_database(struct worker *worker, struct error *error)
{
    if (worker->connection != NULL)
        return true;
    worker->connection = db_connect(
        &(struct db_options){
            .conninfo = worker->config->database.reveal,
            .search_path = worker->view->schema,
            .application_name = "sijang-projector",
            .asynchronous_commit = true,
            .timeout_ms = (int)worker->config->statement_timeout_ms,
            .statements = worker->statements,
        },
        error);
    return worker->connection != NULL;
}

static bool open_reader(struct worker *worker, struct error *error)
{
    if (worker->port == NULL)
        worker->port = kafka_port_create(
            &(struct kafka_port_options){
                .brokers = worker->config->kafka_brokers,
                .client_id = worker->view->name,
                .fetched_bytes_max = (size_t)worker->config->fetch_bytes,
                .fetch_bytes_min = (size_t)worker->config->fetch_bytes_min,
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

static bool attach_sources(struct worker *worker, struct error *error)
{
    for (size_t i = 0; i < worker->sources.count; i++) {
        struct source *source = &worker->sources.items[i];
        struct log_reading reading = {
            .topic = source->context->topic,
            .partition = source->partition,
            .from = &source->stored,
        };
        int32_t number;
        if (!log_reader_attach(worker->reader, &reading, &number, error))
            return error_add(error, "%s/%d", source->context->topic, (int)source->partition);
        assert(number == (int32_t)i);
    }
    return true;
}

static void forget(struct worker *worker)
{
    fold_undo(&worker->fold);
    cache_clear(&worker->cache);
    batch_clear(&worker->batch);
    worker->intake = (struct error){0};
    for (size_t i = 0; i < worker->sources.count; i++) {
        worker->sources.items[i].halt = (struct halt){0};
        worker->sources.items[i].at_end_boot_us = 0;
    }
}

bool worker_begin_session(struct worker *worker, struct error *error)
{
    forget(worker);
    struct arena *arena = &worker->batch.arena;
    if (!connect_database(worker, error) ||
        !fingerprint_check(worker->connection, worker->view, arena, error) ||
        !positions_load(worker->connection, &worker->sources, arena, error) ||
        !open_reader(worker, error) || !attach_sources(worker, error))
        return false;
    batch_clear(&worker->batch);
    worker->report.database_connected = true;
    return true;
}

void worker_end_session(struct worker *worker, const struct error *error)
{
    metric_add(VIEW_METRIC_OF(&worker->metrics, faults), 1);
    worker->report.waiting = *error;
    forget(worker);
    if (error->fault != FAULT_DATABASE_UNAVAILABLE && error->fault != FAULT_DATABASE_FAILED)
        return;
    worker->connection = db_close(worker->connection);
    worker->report.database_connected = false;
}
