/* The shard's thread: turn, and sleep when there was nothing to do. */
#include "command-svc/shard_thread.h"

#include "lib/core/clock.h"
#include "lib/log/kafka_port.h"

#define FETCHED_BYTES_MAX   (8 * 1024 * 1024)
#define FETCHED_RECORDS_MAX 4096 /* about a kilobyte each, headers included */
#define FETCH_BYTES_MAX     (128 * 1024)

static bool may_end(const struct shard_thread *thread)
{
    return atomic_load(&thread->stopping) &&
           (shard_open_calls(thread->shard) == 0 || clock_boot_us() >= thread->stop_by_boot_us);
}

static void *run(void *self)
{
    struct shard_thread *thread = self;

    for (;;) {
        size_t handled = shard_turn(thread->shard);
        if (may_end(thread))
            break;
        if (handled == 0)
            shard_wait(thread->shard);
    }
    shard_abandon(thread->shard);
    return NULL;
}

static bool open_shard(struct shard_thread *thread, const struct shard_options *given,
                       struct error *error)
{
    const struct command_config *config = given->config;
    struct shard_options options = *given;
    struct kafka_port_options port = {
        .brokers = config->kafka_brokers,
        .client_id = "sijang-command-svc",
        .producer = true,
        .queued_bytes_max = (size_t)config->produce_bytes_max,
        .fetched_bytes_max = FETCHED_BYTES_MAX,
        .fetched_records_max = FETCHED_RECORDS_MAX,
        .fetch_bytes_max = FETCH_BYTES_MAX,
    };

    thread->port = options.port = kafka_port_create(&port, error);
    if (thread->port == NULL)
        return false;
    thread->shard = shard_open(&options, error);
    return thread->shard != NULL;
}

static bool start_thread(struct shard_thread *thread, struct error *error)
{
    int failed = pthread_create(&thread->thread, NULL, run, thread);

    thread->runs = failed == 0;
    return thread->runs ||
           error_set(error, FAULT_IO_FAILED, "a thread for a shard: error %d", failed);
}

bool shard_thread_start(struct shard_thread *thread, const struct shard_options *options,
                        struct error *error)
{
    *thread = (struct shard_thread){0};
    if (open_shard(thread, options, error) && start_thread(thread, error))
        return true;
    shard_thread_done(thread);
    return false;
}

void shard_thread_stop(struct shard_thread *thread, int timeout_ms)
{
    if (!thread->runs)
        return;
    shard_refuse(thread->shard);
    thread->stop_by_boot_us = clock_boot_us() + timeout_ms * INT64_C(1000);
    atomic_store(&thread->stopping, true);
    shard_wake(thread->shard);
    pthread_join(thread->thread, NULL);
    thread->runs = false;
}

void shard_thread_done(struct shard_thread *thread)
{
    thread->shard = shard_close(thread->shard);
    thread->port = kafka_port_destroy(thread->port);
}
