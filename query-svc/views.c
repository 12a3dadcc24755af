/* The poller: one connection, one thread, which never waits longer than a poll may take. A waiting
 * request costs nothing but its place in a list, so a thousand of them cost the database no more
 * than one. */
#include "query-svc/views.h"
#include "lib/core/clock.h"
#include "lib/core/condition.h"
#include "query-svc/standing.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define POLL_US_WAITED_FOR INT64_C(1000)
#define POLL_US_OTHERWISE  INT64_C(50000)
#define POLL_US_MAX        INT64_C(1000000)
#define AGAIN_US           INT64_C(100000)
#define FRESH_US           INT64_C(3000000)
#define POLL_ARENA_BYTES   ((size_t)1024 * 1024)

struct watched {
    struct views *views;
    struct standing standing;    /* lock */
    struct view_waiter *waiters; /* the poller's */
};

struct views {
    struct views_options options;
    size_t count;
    struct watched *watched;
    struct db_pipeline *pipeline;
    struct db_question question; /* the poller's, while it is not under way */
    struct arena arena;          /* likewise */
    int64_t all_polled_boot_us;  /* the poller's */
    size_t kept;                 /* the poller's: waiters in its lists */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct view_waiter *incoming; /* lock */
    size_t waiting;               /* lock: incoming and kept */
    int64_t polled_boot_us;       /* lock: all views, last; 0: never */
    struct error trouble;         /* lock: of the last attempt to poll */
    struct error answer;          /* lock: of the question under way */
    bool answered;                /* lock */
    bool stopping;                /* lock */
};

static struct watched *find_watched(const struct views *views, const struct view *view)
{
    size_t i = 0;

    while (i < views->count && views->watched[i].standing.view != view)
        i++;
    assert(i < views->count);
    return &views->watched[i];
}

bool views_fresh(struct views *views)
{
    bool fresh;

    pthread_mutex_lock(&views->lock);
    fresh = views->polled_boot_us != 0 && clock_boot_us() - views->polled_boot_us < FRESH_US;
    pthread_mutex_unlock(&views->lock);
    return fresh;
}

void views_trouble(struct views *views, struct error *ret_trouble)
{
    pthread_mutex_lock(&views->lock);
    *ret_trouble = views->trouble;
    pthread_mutex_unlock(&views->lock);
}

bool views_describe(struct views *views, const struct view *view, int32_t partition,
                    struct arena *arena, struct view_standing *ret_standing)
{
    bool described;

    pthread_mutex_lock(&views->lock);
    described = standing_describe(&find_watched(views, view)->standing, partition, clock_boot_us(),
                                  arena, ret_standing);
    pthread_mutex_unlock(&views->lock);
    return described;
}

int64_t views_progress(struct views *views, const struct view *view, int32_t partition)
{
    int64_t progress;

    pthread_mutex_lock(&views->lock);
    progress = standing_progress(&find_watched(views, view)->standing, partition);
    pthread_mutex_unlock(&views->lock);
    return progress;
}

static enum view_outcome judge(const struct standing *standing, const struct view_waiter *waiter,
                               int64_t now_boot_us)
{
    enum view_outcome outcome = standing_judge(standing, waiter->marks, waiter->mark_count);

    if (outcome != VIEW_REACHED || waiter->age_us_max < 0)
        return outcome;
    int64_t age_us = standing_age_us(standing, waiter->partition, now_boot_us);
    return age_us >= 0 && age_us <= waiter->age_us_max ? VIEW_REACHED : VIEW_TOO_OLD;
}

enum view_outcome views_check(struct views *views, const struct view_waiter *waiter)
{
    enum view_outcome outcome;

    pthread_mutex_lock(&views->lock);
    outcome = judge(&find_watched(views, waiter->view)->standing, waiter, clock_boot_us());
    pthread_mutex_unlock(&views->lock);
    return outcome;
}

bool views_park_near(struct views *views, const struct view_waiter *waiter)
{
    bool near;

    pthread_mutex_lock(&views->lock);
    near = standing_parks_near(&find_watched(views, waiter->view)->standing, waiter->marks,
                               waiter->mark_count);
    pthread_mutex_unlock(&views->lock);
    return near;
}

static bool take_waiter(struct views *views, struct view_waiter *waiter, struct error *error)
{
    if (views->stopping)
        return error_set(error, FAULT_SHUTTING_DOWN, "positions are not read any more");
    if (views->trouble.fault != FAULT_NONE)
        return error_set(error, FAULT_DATABASE_UNAVAILABLE, "positions cannot be read");
    if (views->waiting >= views->options.waiters_max)
        return error_set(error, FAULT_OVERLOADED, "%zu requests wait for a position",
                         views->waiting);
    views->waiting++;
    waiter->next = views->incoming;
    views->incoming = waiter;
    return true;
}

bool views_wait(struct views *views, struct view_waiter *waiter, struct error *error)
{
    bool taken;

    pthread_mutex_lock(&views->lock);
    taken = take_waiter(views, waiter, error);
    pthread_cond_signal(&views->changed);
    pthread_mutex_unlock(&views->lock);
    return taken;
}

static void collect(struct views *views)
{
    struct view_waiter *waiter;

    pthread_mutex_lock(&views->lock);
    waiter = views->incoming;
    views->incoming = NULL;
    pthread_mutex_unlock(&views->lock);
    while (waiter != NULL) {
        struct view_waiter *next = waiter->next;
        struct watched *watched = find_watched(views, waiter->view);
        waiter->next = watched->waiters;
        watched->waiters = waiter;
        views->kept++;
        waiter = next;
    }
}

static void finish(struct views *views, struct view_waiter *waiter, enum view_outcome outcome)
{
    views->kept--;
    pthread_mutex_lock(&views->lock);
    views->waiting--;
    pthread_mutex_unlock(&views->lock);
    waiter->done(waiter, outcome);
}

/* Only this thread changes the standing, so that reading it here needs no lock. */
static void settle(struct views *views, struct watched *watched, int64_t now_boot_us)
{
    struct view_waiter *waiter = watched->waiters;

    watched->waiters = NULL;
    while (waiter != NULL) {
        struct view_waiter *next = waiter->next;
        enum view_outcome outcome = judge(&watched->standing, waiter, now_boot_us);
        bool may_come = outcome == VIEW_NOT_REACHED || outcome == VIEW_TOO_OLD;
        if (may_come && now_boot_us < waiter->deadline_boot_us) {
            waiter->next = watched->waiters;
            watched->waiters = waiter;
        } else {
            finish(views, waiter, outcome);
        }
        waiter = next;
    }
}

static void give_up_waiting(struct views *views)
{
    collect(views);
    for (size_t i = 0; i < views->count; i++) {
        struct view_waiter *waiter = views->watched[i].waiters;
        views->watched[i].waiters = NULL;
        while (waiter != NULL) {
            struct view_waiter *next = waiter->next;
            finish(views, waiter, VIEW_UNAVAILABLE);
            waiter = next;
        }
    }
}

static void note_lag(const struct standing *standing)
{
    int64_t lag = standing_lag(standing, VIEWS_ALL_PARTITIONS);

    if (lag >= 0)
        metric_set(standing->view->lag, lag);
}

/* On the pipeline's thread. */
static void take_positions(struct db_question *question, const struct db_rows *rows,
                           const struct error *error)
{
    struct watched *watched = question->user;
    struct views *views = watched->views;

    pthread_mutex_lock(&views->lock);
    if (error->fault == FAULT_NONE)
        standing_set(&watched->standing, rows, clock_boot_us());
    views->answer = *error;
    views->answered = true;
    pthread_cond_signal(&views->changed);
    pthread_mutex_unlock(&views->lock);
}

/* The pipeline answers by the deadline, whatever the database does. */
static bool poll_view(struct views *views, struct watched *watched, struct error *error)
{
    arena_reset(&views->arena);
    views->question = (struct db_question){
        .statement = watched->standing.view->positions,
        .arena = &views->arena,
        .deadline_boot_us = clock_boot_us() + POLL_US_MAX,
        .answer = take_positions,
        .user = watched,
    };
    views->answered = false;
    if (!db_pipeline_ask(views->pipeline, &views->question, error))
        return false;
    pthread_mutex_lock(&views->lock);
    while (!views->answered)
        pthread_cond_wait(&views->changed, &views->lock);
    *error = views->answer;
    pthread_mutex_unlock(&views->lock);
    if (error->fault != FAULT_NONE)
        return false;
    note_lag(&watched->standing);
    return true;
}

/* All views now and then, those waited for every time. */
static bool poll_all(struct views *views, struct error *error)
{
    int64_t now_boot_us = clock_boot_us();
    bool all = now_boot_us - views->all_polled_boot_us >= POLL_US_OTHERWISE;

    for (size_t i = 0; i < views->count; i++) {
        struct watched *watched = &views->watched[i];
        if (!all && watched->waiters == NULL)
            continue;
        if (!poll_view(views, watched, error))
            return false;
        settle(views, watched, clock_boot_us());
    }
    if (all)
        views->all_polled_boot_us = now_boot_us;
    return true;
}

/* A database that was away may come back with less than it had (the projector does not wait for its
 * disk), rows and positions alike: what was seen before says nothing about it. Lock held. */
static void forget_standings(struct views *views)
{
    for (size_t i = 0; i < views->count; i++)
        standing_forget(&views->watched[i].standing);
    views->all_polled_boot_us = 0;
    views->polled_boot_us = 0;
}

/* One turn; returns when the next one is due. */
static int64_t turn(struct views *views)
{
    struct error error = {0};
    bool fine;

    collect(views);
    fine = poll_all(views, &error);
    pthread_mutex_lock(&views->lock);
    views->trouble = error;
    if (fine)
        views->polled_boot_us = clock_boot_us();
    else
        forget_standings(views);
    pthread_mutex_unlock(&views->lock);
    if (!fine) {
        give_up_waiting(views);
        return clock_boot_us() + AGAIN_US;
    }
    return clock_boot_us() + (views->kept > 0 ? POLL_US_WAITED_FOR : POLL_US_OTHERWISE);
}

/* Sleeps until it is time; a first waiter is served at once. */
static bool sleep_until(struct views *views, int64_t due_boot_us)
{
    bool stopping;

    pthread_mutex_lock(&views->lock);
    for (;;) {
        int64_t left_us = due_boot_us - clock_boot_us();
        bool first_waiter = views->kept == 0 && views->incoming != NULL;
        struct timespec until;
        if (left_us <= 0 || first_waiter || views->stopping)
            break;
        until = condition_deadline(left_us);
        pthread_cond_timedwait(&views->changed, &views->lock, &until);
    }
    stopping = views->stopping;
    pthread_mutex_unlock(&views->lock);
    return !stopping;
}

static void *run(void *argument)
{
    struct views *views = argument;

    while (sleep_until(views, turn(views)))
        ;
    give_up_waiting(views);
    return NULL;
}

static struct views *views_free(struct views *views)
{
    db_pipeline_stop(views->pipeline);
    for (size_t i = 0; i < views->count; i++)
        standing_done(&views->watched[i].standing);
    arena_done(&views->arena);
    pthread_cond_destroy(&views->changed);
    pthread_mutex_destroy(&views->lock);
    free(views->watched);
    free(views);
    return NULL;
}

static bool watch_all(struct views *views)
{
    size_t count = 0;

    while (views->options.views[count] != NULL)
        count++;
    views->watched = calloc(count + 1, sizeof *views->watched);
    if (views->watched == NULL)
        return false;
    for (; views->count < count; views->count++) {
        views->watched[views->count].views = views;
        if (!standing_init(&views->watched[views->count].standing,
                           views->options.views[views->count], views->options.partitions))
            return false;
    }
    return true;
}

static bool start_pipeline(struct views *views, struct error *error)
{
    const struct db_pipeline_options options = {
        .connection = {.conninfo = views->options.conninfo,
                       .application_name = "query-svc positions",
                       .timeout_ms = views->options.timeout_ms,
                       .statements = views->options.statements},
        .connections = 1,
        .waiting_max = 1,
        .in_flight_max = 1,
    };

    views->pipeline = db_pipeline_start(&options, error);
    return views->pipeline != NULL;
}

struct views *views_start(const struct views_options *options, struct error *error)
{
    struct views *views = calloc(1, sizeof *views);

    if (views == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "starting to watch views");
        return NULL;
    }
    views->options = *options;
    arena_init(&views->arena, POLL_ARENA_BYTES);
    pthread_mutex_init(&views->lock, NULL);
    condition_init(&views->changed);
    if (!start_pipeline(views, error))
        return views_free(views);
    if (!watch_all(views) || pthread_create(&views->thread, NULL, run, views) != 0) {
        error_set(error, FAULT_OUT_OF_MEMORY, "starting to watch views");
        return views_free(views);
    }
    return views;
}

void views_end_waiting(struct views *views)
{
    pthread_mutex_lock(&views->lock);
    views->stopping = true;
    pthread_cond_signal(&views->changed);
    pthread_mutex_unlock(&views->lock);
}

struct views *views_stop(struct views *views)
{
    if (views == NULL)
        return NULL;
    views_end_waiting(views);
    pthread_join(views->thread, NULL);
    return views_free(views);
}
