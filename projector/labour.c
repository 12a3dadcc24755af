/* The replay, as others notice it. */
#include "projector/labour.h"

#include "lib/core/clock.h"
#include "lib/core/logger.h"
#include "projector/replay.h"
#include <pthread.h>
#include <sched.h>

#define PROGRESS_US     INT64_C(500000)
#define HEAR_US         INT64_C(100000)
#define SETTLE_US       INT64_C(100000)
#define ARENA_BYTES_MAX ((size_t)1024 * 1024)
#define COPY_US         6    /* a row, as live views feel it: Postgres has no idle class */
#define LIVE_LAG_EVENTS 5000 /* further behind, the live views go first */

struct labour {
    struct labour_options options;
    struct rebuild_progress progress; /* not told yet */
    struct arena arena;
    int64_t told_us;    /* boot time, as the next ones */
    int64_t resumed_us; /* the end of the last rest */
    int64_t measured_us;
    int64_t rested_us; /* in the present partition */
    struct error *error;
    bool polite; /* everything else goes first */
    bool fine;
};

static bool live_is_behind(const struct labour_options *options)
{
    for (size_t i = 0; i < options->live_count; i++) {
        struct health_report report;
        health_read(&options->live[i]->health, &report);
        if (atomic_load(&options->live[i]->role) == ROLE_LIVE && report.lag_known &&
            report.lag_events > LIVE_LAG_EVENTS)
            return true;
    }
    return false;
}

void labour_hear(const struct labour_options *options, enum yield_mood mood)
{
    struct latency_counts all = {0};
    for (size_t i = 0; i < options->live_count; i++)
        if (atomic_load(&options->live[i]->role) == ROLE_LIVE)
            latency_add(&all, &options->live[i]->latency);
    yield_hear(options->yield, &all, clock_boot_us(), mood);
}

static bool rest(struct labour *labour, int64_t us)
{
    if (us < 0)
        us = 0;
    labour->rested_us += us;
    return labour->options.pause_us(labour->options.self, us);
}

/* Now and then nothing is done for a moment: so it is known what is usual. */
static bool be_calm(struct labour *labour, int64_t us)
{
    labour_hear(&labour->options, YIELD_WORKING);
    if (!rest(labour, SETTLE_US))
        return false;
    labour_hear(&labour->options, YIELD_SETTLING);
    if (!rest(labour, us))
        return false;
    labour_hear(&labour->options, YIELD_CALM);
    return true;
}

/* After a slice of work: of ours, or of the database, which took so long at least. */
static bool give_way(struct labour *labour, int64_t least_us)
{
    struct yield *yield = labour->options.yield;
    int64_t now_us = clock_boot_us(), worked_us = now_us - labour->resumed_us;
    bool more = true;
    if (now_us - yield->heard_us >= HEAR_US) {
        yield->behind =
            labour->progress.live_behind > LIVE_LAG_EVENTS || live_is_behind(&labour->options);
        labour_hear(&labour->options, YIELD_WORKING);
    }
    if (labour->polite) {
        int64_t calm_us = yield_calm_us(yield, now_us);
        more = (calm_us == 0 || be_calm(labour, calm_us)) &&
               rest(labour, yield_rest_us(yield, worked_us > least_us ? worked_us : least_us));
    }
    labour->resumed_us = clock_boot_us();
    return more;
}

/* A fixed rate, if one is set: as long as these records should have taken, they take. */
static bool keep_to_rate(struct labour *labour, int64_t records)
{
    int64_t throttle = labour->progress.throttle;
    int64_t due_us = throttle > 0 ? records * 1000000 / throttle : 0;
    return rest(labour, due_us - (clock_boot_us() - labour->measured_us));
}

/* Between batches. */
static bool goes_on(void *self, int64_t records)
{
    struct labour *labour = self;
    struct rebuild_progress *progress = &labour->progress;
    struct error ignored = {0}; /* whoever looks at the table next meets it again */
    progress->records += records;
    bool more = give_way(labour, 0) && keep_to_rate(labour, records);
    int64_t now_us = clock_boot_us();
    progress->replay_us += now_us - labour->measured_us;
    labour->measured_us = labour->resumed_us = now_us;
    if (!more || now_us - labour->told_us < PROGRESS_US)
        return more;
    labour->told_us = now_us;
    arena_reset(&labour->arena);
    return rebuild_tell(labour->options.connection, labour->options.of, progress, &labour->arena,
                        &ignored) &&
           progress->wanted && labour->polite == (progress->throttle != THROTTLE_OFF);
}

/* Between pieces of a copy, which goes to its end. */
static void copies_on(void *self, size_t rows)
{
    (void)give_way(self, (int64_t)rows * COPY_US);
}

static void say(const struct labour *labour, const struct replay *replay, int32_t partition,
                int64_t rows)
{
    log_info(rows < 0 ? "partition_given_up" : "partition_replayed",
             LOG_STRING("view", labour->options.of->name), LOG_NUMBER("partition", partition),
             LOG_NUMBER("rows", rows), LOG_NUMBER("slices", replay_slices(replay)),
             LOG_NUMBER("read_ms", replay_read_us(replay) / 1000),
             LOG_NUMBER("copy_ms", replay_copy_us(replay) / 1000),
             LOG_NUMBER("rested_ms", labour->rested_us / 1000),
             LOG_NUMBER("share", labour->options.yield->share));
}

static bool replay_next(struct labour *labour, struct replay *replay, int32_t partition,
                        struct error *error)
{
    int64_t rows;
    labour->measured_us = labour->resumed_us = clock_boot_us();
    labour->rested_us = 0;
    switch (replay_partition(replay, partition, &rows, error)) {
    case REPLAY_DONE: break;
    case REPLAY_GIVEN_UP:
        say(labour, replay, partition, -1);
        return error_set(error, FAULT_SHUTTING_DOWN, "given up");
    case REPLAY_FAILED: return false;
    }
    say(labour, replay, partition, rows);
    labour->progress.rows += rows;
    labour->progress.partitions_done = partition + 1;
    arena_reset(&labour->arena);
    return rebuild_tell(labour->options.connection, labour->options.of, &labour->progress,
                        &labour->arena, error);
}

/* From the first partition that is not replayed, to the last. */
static bool replay_all(struct labour *labour, struct error *error)
{
    const struct labour_options *options = &labour->options;
    const struct replay_options wanted = {
        .view = options->view,
        .config = options->config,
        .goes_on = goes_on,
        .copies_on = copies_on,
        .self = labour,
    };
    bool sliced = options->row->sliced;
    if (sliced && !rebuild_start_over(options->connection, options->of, error))
        return false;
    struct replay *replay = replay_open(&wanted, error);
    bool fine = replay != NULL;
    for (int32_t i = sliced ? 0 : (int32_t)options->row->partitions_done;
         i < options->config->partitions && fine; i++)
        fine = replay_next(labour, replay, i, error);
    (void)replay_close(replay);
    return fine && rebuild_set_state(options->connection, options->of, "indexing", error);
}

static void *run(void *self)
{
    const struct sched_param none = {0};
    struct labour *labour = self;
    if (labour->polite)
        (void)sched_setscheduler(0, SCHED_IDLE, &none);
    labour->fine = replay_all(labour, labour->error);
    return NULL;
}

/* In a thread of its own, which gets what others leave of the processors, and so do those that it
 * starts; there is no way back from that. Whoever follows the log later has to keep up with the
 * live view. */
bool labour_run(const struct labour_options *options, struct error *error)
{
    pthread_t thread;
    struct labour labour = {
        .options = *options,
        .progress = {.throttle = options->row->throttle},
        .error = error,
        .polite = options->row->throttle != THROTTLE_OFF,
    };
    arena_init(&labour.arena, ARENA_BYTES_MAX);
    labour_hear(options, YIELD_CALM);
    if (pthread_create(&thread, NULL, run, &labour) != 0)
        error_set(error, FAULT_IO_FAILED, "a thread for replaying");
    else
        (void)pthread_join(thread, NULL);
    labour_hear(options, YIELD_SETTLING);
    arena_done(&labour.arena);
    return labour.fine;
}
