/* One thread for all rebuilds, of which one replays at a time. */
#include "projector/rebuild.h"

#include "lib/core/clock.h"
#include "lib/core/condition.h"
#include "lib/core/logger.h"
#include "projector/keepers.h"
#include "projector/labour.h"
#include "projector/rebuild_table.h"
#include "projector/views.h"
#include "projector/worker.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_MS         500
#define TROUBLE_MS      5000
#define ARENA_BYTES_MAX ((size_t)16 * 1024 * 1024)

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
    struct yield yield; /* what live views do, also while nothing is replayed */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping; /* mutex */
};

/* False: it is time to stop. */
static bool pause_us(void *self, int64_t us)
{
    struct rebuilds *rebuilds = self;
    struct timespec until = condition_deadline(us);
    (void)pthread_mutex_lock(&rebuilds->mutex);
    int timed_out = 0;
    while (!rebuilds->stopping && timed_out == 0)
        timed_out = pthread_cond_timedwait(&rebuilds->changed, &rebuilds->mutex, &until);
    bool stopping = rebuilds->stopping;
    (void)pthread_mutex_unlock(&rebuilds->mutex);
    return !stopping;
}

static struct labour_options labour_of(struct rebuilds *rebuilds)
{
    return (struct labour_options){
        .config = rebuilds->config,
        .live = rebuilds->live,
        .live_count = rebuilds->live_count,
        .connection = rebuilds->connection,
        .yield = &rebuilds->yield,
        .pause_us = pause_us,
        .self = rebuilds,
    };
}

static bool replay(struct rebuilds *rebuilds, const struct rebuild *rebuild,
                   const struct rebuild_row *row, struct error *error)
{
    struct labour_options options = labour_of(rebuilds);
    options.view = &rebuild->view;
    options.of = rebuild->of;
    options.row = row;
    return labour_run(&options, error);
}

static bool make_indexes(struct rebuilds *rebuilds, const struct rebuild *rebuild,
                         struct error *error)
{
    struct labour_options options = labour_of(rebuilds);
    int64_t begun_us = clock_boot_us();
    bool fine = rebuild_index(rebuilds->connection, rebuild->of, error);
    labour_hear(&options, YIELD_SETTLING); /* not what is usual */
    if (fine)
        log_info("indexes_made", LOG_STRING("view", rebuild->of->name),
                 LOG_NUMBER("index_ms", (clock_boot_us() - begun_us) / 1000));
    return fine;
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
        return replay(rebuilds, rebuild, row, error);
    if (text_is(row->state, "indexing"))
        return make_indexes(rebuilds, rebuild, error);
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
    const struct labour_options options = labour_of(rebuilds);
    while (pause_us(rebuilds, look(rebuilds) * 1000))
        labour_hear(&options, YIELD_CALM);
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
    yield_init(&rebuilds->yield);
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
