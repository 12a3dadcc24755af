/* One thread for all rebuilds, of which one replays at a time. */
#include "projector/rebuild.h"

#include "lib/core/clock.h"
#include "lib/core/condition.h"
#include "lib/core/logger.h"
#include "projector/keepers.h"
#include "projector/rebuild_table.h"
#include "projector/replay.h"
#include "projector/views.h"
#include "projector/worker.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS         500
#define TROUBLE_MS      5000
#define PROGRESS_US     INT64_C(500000)
#define ARENA_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define NICE            10
#define LIVE_LAG_EVENTS 5000 /* further behind, the live views go first */
#define GIVE_WAY_MS     50
#define SCHEMA_SIZE     160

/* A view that may be rebuilt, as its new tables are. */
struct rebuild {
    struct view view;
    const struct view *of; /* the live one */
    struct worker *follower;
    struct projection *followed;
};

struct rebuilds {
    const struct projector_config *config;
    struct projection *const *live;
    size_t live_count;
    struct arena names; /* schemas, labels: for as long as it lives */
    struct arena arena; /* of one look at the table */
    struct rebuild *items;
    size_t count;
    struct keepers *keepers;
    struct db_connection *connection;
    struct rebuild *replaying;
    struct rebuild_progress progress; /* not told yet */
    int64_t told_boot_us;
    int64_t read_boot_us; /* the last batch */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping; /* mutex */
};

static bool is_stopping(struct rebuilds *rebuilds)
{
    (void)pthread_mutex_lock(&rebuilds->mutex);
    bool stopping = rebuilds->stopping;
    (void)pthread_mutex_unlock(&rebuilds->mutex);
    return stopping;
}

/* False: it is time to stop. */
static bool pause_ms(struct rebuilds *rebuilds, int64_t ms)
{
    struct timespec until = condition_deadline(ms * 1000);
    (void)pthread_mutex_lock(&rebuilds->mutex);
    int timed_out = 0;
    while (!rebuilds->stopping && timed_out == 0)
        timed_out = pthread_cond_timedwait(&rebuilds->changed, &rebuilds->mutex, &until);
    bool stopping = rebuilds->stopping;
    (void)pthread_mutex_unlock(&rebuilds->mutex);
    return !stopping;
}

static bool live_is_behind(const struct rebuilds *rebuilds)
{
    for (size_t i = 0; i < rebuilds->live_count; i++) {
        struct health_report report;
        health_read(&rebuilds->live[i]->health, &report);
        if (atomic_load(&rebuilds->live[i]->role) == ROLE_LIVE && report.lag_known &&
            report.lag_events > LIVE_LAG_EVENTS)
            return true;
    }
    return false;
}

/* A fixed rate, if one is set: as long as these records should have taken, they take. */
static bool keep_to_rate(struct rebuilds *rebuilds, int64_t records, int64_t throttle)
{
    int64_t due_us = throttle > 0 ? records * 1000000 / throttle : 0;
    int64_t took_us = clock_boot_us() - rebuilds->read_boot_us;
    return due_us <= took_us || pause_ms(rebuilds, (due_us - took_us) / 1000);
}

/* Between batches. */
static bool goes_on(void *self, int64_t records)
{
    struct rebuilds *rebuilds = self;
    struct rebuild_progress *progress = &rebuilds->progress;
    struct error error = {0};
    progress->records += records;
    bool more = !is_stopping(rebuilds) && keep_to_rate(rebuilds, records, progress->throttle);
    bool polite = progress->throttle != THROTTLE_OFF;
    while (more && polite && live_is_behind(rebuilds))
        more = pause_ms(rebuilds, GIVE_WAY_MS);
    if (more && polite && progress->live_behind > LIVE_LAG_EVENTS)
        more = pause_ms(rebuilds, GIVE_WAY_MS);
    int64_t now_boot_us = clock_boot_us();
    progress->replay_us += now_boot_us - rebuilds->read_boot_us;
    rebuilds->read_boot_us = now_boot_us;
    if (!more || now_boot_us - rebuilds->told_boot_us < PROGRESS_US)
        return more;
    rebuilds->told_boot_us = now_boot_us;
    return rebuild_tell(rebuilds->connection, rebuilds->replaying->of, progress, &rebuilds->arena,
                        &error) &&
           progress->wanted;
}

static bool replay_next(struct rebuilds *rebuilds, struct rebuild *rebuild, struct replay *replay,
                        int32_t partition, struct error *error)
{
    int64_t rows;
    rebuilds->read_boot_us = clock_boot_us();
    switch (replay_partition(replay, partition, &rows, error)) {
    case REPLAY_DONE: break;
    case REPLAY_GIVEN_UP: return error_set(error, FAULT_SHUTTING_DOWN, "given up");
    case REPLAY_FAILED: return false;
    }
    log_info("partition_replayed", LOG_STRING("view", rebuild->of->name),
             LOG_NUMBER("partition", partition), LOG_NUMBER("rows", rows),
             LOG_NUMBER("slices", replay_slices(replay)));
    rebuilds->progress.rows += rows;
    rebuilds->progress.partitions_done = partition + 1;
    return rebuild_tell(rebuilds->connection, rebuild->of, &rebuilds->progress, &rebuilds->arena,
                        error);
}

/* From the first partition that is not replayed, to the last. */
static bool replay_all(struct rebuilds *rebuilds, struct rebuild *rebuild,
                       const struct rebuild_row *row, struct error *error)
{
    const struct replay_options options = {
        .view = &rebuild->view,
        .config = rebuilds->config,
        .goes_on = goes_on,
        .self = rebuilds,
    };
    bool fine = !row->sliced || rebuild_start_over(rebuilds->connection, rebuild->of, error);
    if (!fine)
        return false;
    struct replay *replay = replay_open(&options, error);
    rebuilds->replaying = rebuild;
    rebuilds->progress = (struct rebuild_progress){.throttle = row->throttle};
    fine = replay != NULL;
    for (int32_t i = row->sliced ? 0 : (int32_t)row->partitions_done;
         i < rebuilds->config->partitions && fine; i++)
        fine = replay_next(rebuilds, rebuild, replay, i, error);
    (void)replay_close(replay);
    return fine && rebuild_set_state(rebuilds->connection, rebuild->of, "indexing", error);
}

struct labour {
    struct rebuilds *rebuilds;
    struct rebuild *rebuild;
    const struct rebuild_row *row;
    struct error *error;
    bool fine;
};

static void *run_labour(void *self)
{
    struct labour *labour = self;
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    labour->fine = replay_all(labour->rebuilds, labour->rebuild, labour->row, labour->error);
    return NULL;
}

/* In a thread of its own: its nice value lets everything else go first, and threads inherit it.
 * Whoever follows the log later has to keep up with the live view. */
static bool replay_nicely(struct rebuilds *rebuilds, struct rebuild *rebuild,
                          const struct rebuild_row *row, struct error *error)
{
    pthread_t thread;
    struct labour labour = {.rebuilds = rebuilds, .rebuild = rebuild, .row = row, .error = error};
    if (pthread_create(&thread, NULL, run_labour, &labour) != 0)
        return error_set(error, FAULT_IO_FAILED, "a thread for replaying");
    (void)pthread_join(thread, NULL);
    return labour.fine;
}

static void stop_following(struct rebuild *rebuild)
{
    rebuild->follower = worker_destroy(rebuild->follower);
    rebuild->followed = projection_destroy(rebuild->followed);
}

static bool follow(struct rebuilds *rebuilds, struct rebuild *rebuild, struct error *error)
{
    if (rebuild->follower != NULL)
        return true;
    rebuild->followed =
        projection_create(&rebuild->view, rebuilds->config, &rebuilds->names, error);
    if (rebuild->followed == NULL)
        return false;
    rebuild->follower = worker_create(rebuilds->config, NULL, 1, error);
    if (rebuild->follower != NULL) {
        rebuild->follower->beside = true;
        worker_add(rebuild->follower, rebuild->followed);
        if (worker_start(rebuild->follower, error))
            return true;
    }
    stop_following(rebuild);
    return false;
}

static bool work_on(struct rebuilds *rebuilds, struct rebuild *rebuild,
                    const struct rebuild_row *row, struct error *error)
{
    if (!text_is(row->state, "following"))
        stop_following(rebuild);
    if (row->paused && !text_is(row->state, "following"))
        return true;
    if (text_is(row->state, "replaying"))
        return replay_nicely(rebuilds, rebuild, row, error);
    if (text_is(row->state, "indexing"))
        return rebuild_index(rebuilds->connection, rebuild->of, error);
    if (row->replaces != row->revision) /* its keeper follows */
        return true;
    return follow(rebuilds, rebuild, error);
}

static const struct rebuild_row *find_row(const struct db_rows *rows, const struct rebuild *rebuild)
{
    const struct rebuild_row *items = rows->items;
    for (size_t i = 0; i < rows->count; i++)
        if (text_is(items[i].view, rebuild->of->name) && items[i].revision == rebuild->of->revision)
            return &items[i];
    return NULL;
}

/* What is not there any more is no trouble: it was dropped meanwhile. */
static void note_trouble(struct rebuilds *rebuilds, const struct rebuild *rebuild,
                         const struct error *error)
{
    struct error ignored = {0};
    if (error->fault == FAULT_SHUTTING_DOWN)
        return;
    log_warning("rebuild_waits", LOG_STRING("view", rebuild->of->name), LOG_ERROR(error));
    if (error->fault != FAULT_DATABASE_UNAVAILABLE)
        (void)!rebuild_note_trouble(rebuilds->connection, rebuild->of, error, &ignored);
}

/* Another projector does it. */
static void leave(struct rebuilds *rebuilds)
{
    keepers_leave(rebuilds->keepers);
    for (size_t i = 0; i < rebuilds->count; i++)
        stop_following(&rebuilds->items[i]);
}

/* One look at the table. Returns how long to wait for the next. */
static int64_t look(struct rebuilds *rebuilds)
{
    struct error error = {0};
    struct db_rows rows;
    int64_t wait_ms = LOOK_MS;
    arena_reset(&rebuilds->arena);
    if (rebuilds->connection == NULL)
        rebuilds->connection = rebuild_connect(rebuilds->config, &error);
    if (rebuilds->connection == NULL && error.fault == FAULT_NONE)
        leave(rebuilds);
    if (rebuilds->connection == NULL ||
        !keepers_look(rebuilds->keepers, rebuilds->connection, &rebuilds->arena, &error) ||
        !rebuild_read(rebuilds->connection, &rebuilds->arena, &rows, &error)) {
        rebuilds->connection = db_close(rebuilds->connection);
        return TROUBLE_MS;
    }
    for (size_t i = 0; i < rebuilds->count; i++) {
        struct rebuild *rebuild = &rebuilds->items[i];
        const struct rebuild_row *row = find_row(&rows, rebuild);
        if (row == NULL) {
            stop_following(rebuild);
        } else if (!work_on(rebuilds, rebuild, row, &error)) {
            note_trouble(rebuilds, rebuild, &error);
            wait_ms = error.fault == FAULT_SHUTTING_DOWN ? LOOK_MS : TROUBLE_MS;
            rebuilds->connection = db_close(rebuilds->connection);
            return wait_ms;
        }
    }
    return wait_ms;
}

static void *run(void *self)
{
    struct rebuilds *rebuilds = self;
    while (pause_ms(rebuilds, look(rebuilds)))
        continue;
    return NULL;
}

static bool add(struct rebuilds *rebuilds, const struct view *view, struct error *error)
{
    struct rebuild *rebuild = &rebuilds->items[rebuilds->count];
    if (view->copy == NULL)
        return true;
    rebuild->of = view;
    rebuild->view = *view;
    rebuild->view.revision = -1;
    rebuild->view.schema = arena_print(&rebuilds->names, "%s_rebuild", view->schema);
    if (rebuild->view.schema == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "rebuilds");
    rebuilds->count++;
    return true;
}

static bool add_all(struct rebuilds *rebuilds, struct error *error)
{
    rebuilds->items = calloc(views_count() + 1, sizeof(*rebuilds->items));
    if (rebuilds->items == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "rebuilds");
    for (size_t context = 0; context < CONTEXT_COUNT; context++)
        for (const struct view *const *view = view_lists[context]; *view != NULL; view++)
            if (!add(rebuilds, *view, error))
                return false;
    return true;
}

static struct rebuilds *free_rebuilds(struct rebuilds *rebuilds)
{
    for (size_t i = 0; i < rebuilds->count; i++)
        stop_following(&rebuilds->items[i]);
    rebuilds->keepers = keepers_destroy(rebuilds->keepers);
    rebuilds->connection = db_close(rebuilds->connection);
    free(rebuilds->items);
    arena_done(&rebuilds->names);
    arena_done(&rebuilds->arena);
    (void)pthread_cond_destroy(&rebuilds->changed);
    (void)pthread_mutex_destroy(&rebuilds->mutex);
    free(rebuilds);
    return NULL;
}

struct rebuilds *rebuilds_start(const struct projector_config *config,
                                struct projection *const *live, size_t live_count,
                                struct error *error)
{
    struct rebuilds *rebuilds = calloc(1, sizeof(*rebuilds));
    if (rebuilds == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "rebuilds");
        return NULL;
    }
    rebuilds->config = config;
    rebuilds->live = live;
    rebuilds->live_count = live_count;
    arena_init(&rebuilds->names, ARENA_BYTES_MAX);
    arena_init(&rebuilds->arena, ARENA_BYTES_MAX);
    (void)pthread_mutex_init(&rebuilds->mutex, NULL);
    condition_init(&rebuilds->changed);
    rebuilds->keepers = keepers_create(config, live, live_count, error);
    if (rebuilds->keepers == NULL || !add_all(rebuilds, error))
        return free_rebuilds(rebuilds);
    if (pthread_create(&rebuilds->thread, NULL, run, rebuilds) == 0)
        return rebuilds;
    error_set(error, FAULT_IO_FAILED, "a thread for rebuilds");
    return free_rebuilds(rebuilds);
}

struct rebuilds *rebuilds_stop(struct rebuilds *rebuilds)
{
    if (rebuilds == NULL)
        return NULL;
    (void)pthread_mutex_lock(&rebuilds->mutex);
    rebuilds->stopping = true;
    (void)pthread_cond_signal(&rebuilds->changed);
    (void)pthread_mutex_unlock(&rebuilds->mutex);
    (void)pthread_join(rebuilds->thread, NULL);
    return free_rebuilds(rebuilds);
}
