/* The thread that keeps this process's lease of partitions. */
#include "projector/share.h"

#include "lib/core/arena.h"
#include "lib/core/clock.h"
#include "lib/core/condition.h"
#include "lib/core/logger.h"
#include "lib/db/connection.h"
#include "projector/views.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS          200 /* how soon a member that is gone is noticed */
#define TROUBLE_MS      50
#define PATIENCE_MS     1000 /* of who wants to begin */
#define ARENA_BYTES_MAX ((size_t)1024 * 1024)

struct share {
    const struct projector_config *config;
    /* The thread's. */
    struct arena names;
    struct arena arena;
    const char *views;
    struct db_connection *connection;
    int64_t *given; /* nobody here works them any more */
    size_t given_count;
    bool in_trouble;

    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* what is held, what is worked, stopping */
    bool stopping;
    bool *held;
    int64_t *surplus;
    size_t surplus_count;
    uint64_t term;         /* of `held`; 0: never heard */
    int64_t until_boot_us; /* then others may have taken it */
    struct sharer *sharers;
};

struct lease {
    int64_t partition;
    bool surplus;
};

static const struct field lease_fields[] = {
    {FIELD_AT(lease, partition), .kind = FIELD_INTEGER},
    {FIELD_AT(lease, surplus), .kind = FIELD_BOOLEAN},
};

static const struct record lease_record = {
    .name = "Lease",
    .size = sizeof(struct lease),
    .fields = lease_fields,
    .field_count = COUNT_OF(lease_fields),
};

static const enum db_type ask_types[] = {DB_TEXT, DB_TEXT, DB_INTEGER, DB_INTEGER_ARRAY,
                                         DB_INTEGER};

static const struct db_statement ask_leases = {
    .name = "share_partitions",
    .sql = "SELECT held, surplus FROM projector.share_partitions($1, $2, $3, $4, $5)",
    .parameters = ask_types,
    .parameter_count = COUNT_OF(ask_types),
    .row = &lease_record,
};

struct left {
    bool done;
};

static const struct field left_fields[] = {{FIELD_AT(left, done), .kind = FIELD_BOOLEAN}};

static const struct record left_record = {
    .name = "Left",
    .size = sizeof(struct left),
    .fields = left_fields,
    .field_count = COUNT_OF(left_fields),
};

static const enum db_type leave_types[] = {DB_TEXT};

static const struct db_statement leave = {
    .name = "share_leave",
    .sql = "SELECT projector.share_leave($1) AS done",
    .parameters = leave_types,
    .parameter_count = COUNT_OF(leave_types),
    .row = &left_record,
};

static const struct db_statement *const statements[] = {&ask_leases, &leave, NULL};

/* "product_detail 1, product_list 1": only who writes the same shares. */
static bool name_views(struct share *share)
{
    const char *list = "";
    for (size_t context = 0; context < CONTEXT_COUNT; context++)
        for (const struct view *const *view = view_lists[context]; *view != NULL; view++) {
            list = arena_print(&share->names, "%s%s%s %d", list, list[0] != '\0' ? ", " : "",
                               (*view)->name, (*view)->revision);
            if (list == NULL)
                return false;
        }
    share->views = list;
    return true;
}

static bool connect(struct share *share, struct error *error)
{
    if (share->connection != NULL)
        return true;
    const char *name =
        arena_print(&share->arena, "sijang-projector shares %s", share->config->process);
    if (name == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "connecting");
    share->connection = db_connect(
        &(struct db_options){
            .conninfo = share->config->database.reveal,
            .application_name = name,
            .timeout_ms = (int)share->config->silence_ms,
            .statements = statements,
        },
        error);
    return share->connection != NULL;
}

/* With the mutex held. */
static bool is_new(const struct share *share, const bool *held)
{
    return share->term == 0 ||
           memcmp(share->held, held, (size_t)share->config->partitions * sizeof(*held)) != 0;
}

static bool take_leases(struct share *share, const struct db_rows *rows, int64_t asked_boot_us,
                        struct error *error)
{
    const struct lease *leases = rows->items;
    size_t partitions = (size_t)share->config->partitions, count = 0, surplus_count = 0;
    bool *held = arena_alloc_zeroed(&share->arena, partitions * sizeof(*held));
    if (held == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "%zu leases", rows->count);
    for (size_t i = 0; i < rows->count; i++)
        if (leases[i].partition < 0 || leases[i].partition >= share->config->partitions)
            return error_set(error, FAULT_DATABASE_FAILED, "a lease of partition %lld",
                             (long long)leases[i].partition);
    (void)pthread_mutex_lock(&share->mutex);
    for (size_t i = 0; i < rows->count; i++) {
        if (leases[i].surplus)
            share->surplus[surplus_count++] = leases[i].partition;
        else
            held[leases[i].partition] = true;
        count += !leases[i].surplus;
    }
    bool fresh = is_new(share, held);
    if (fresh) {
        memcpy(share->held, held, partitions * sizeof(*held));
        share->term++;
    }
    share->surplus_count = surplus_count;
    share->until_boot_us = asked_boot_us + share->config->silence_ms * 1000;
    (void)pthread_cond_broadcast(&share->changed);
    (void)pthread_mutex_unlock(&share->mutex);
    if (fresh)
        log_info("partitions_shared", LOG_NUMBER("kept", (int64_t)count));
    return true;
}

static bool ask(struct share *share, struct error *error)
{
    arena_reset(&share->arena);
    if (!connect(share, error))
        return false;
    const struct db_value values[] = {
        db_text(text_of(share->config->process)), db_text(text_of(share->views)),
        db_integer(share->config->partitions),    db_integers(share->given, share->given_count),
        db_integer(share->config->silence_ms),
    };
    int64_t asked_boot_us = clock_boot_us();
    struct db_rows rows;
    if (!db_run(share->connection, &ask_leases, values, &share->arena, &rows, error) ||
        !take_leases(share, &rows, asked_boot_us, error)) {
        share->connection = db_close(share->connection);
        return false;
    }
    share->given_count = 0;
    return true;
}

static bool is_worked(const struct share *share)
{
    for (const struct sharer *sharer = share->sharers; sharer != NULL; sharer = sharer->next)
        if (sharer->term != 0 && sharer->term != share->term)
            return true;
    return false;
}

/* Until no worker works it; one that hangs is not waited for longer than others would wait for us.
 * Its next transaction is fenced. */
static void give_surplus(struct share *share)
{
    struct timespec until = condition_deadline(share->config->silence_ms * 1000);
    int timed_out = 0;
    (void)pthread_mutex_lock(&share->mutex);
    while (!share->stopping && timed_out == 0 && is_worked(share))
        timed_out = pthread_cond_timedwait(&share->changed, &share->mutex, &until);
    memcpy(share->given, share->surplus, share->surplus_count * sizeof(*share->given));
    share->given_count = share->surplus_count;
    (void)pthread_mutex_unlock(&share->mutex);
}

static bool pause_ms(struct share *share, int64_t ms)
{
    struct timespec until = condition_deadline(ms * 1000);
    int timed_out = 0;
    (void)pthread_mutex_lock(&share->mutex);
    while (!share->stopping && timed_out == 0)
        timed_out = pthread_cond_timedwait(&share->changed, &share->mutex, &until);
    bool stopping = share->stopping;
    (void)pthread_mutex_unlock(&share->mutex);
    return !stopping;
}

/* Others may have noticed first: no worker begins before it is heard what is held now. Those at
 * work go on, until their connections are ended. */
static void doubt(struct share *share)
{
    (void)pthread_mutex_lock(&share->mutex);
    share->until_boot_us = 0;
    (void)pthread_mutex_unlock(&share->mutex);
}

/* How long to wait for the next time. */
static int64_t ask_once(struct share *share)
{
    struct error error = {0};
    if (ask(share, &error)) {
        share->in_trouble = false;
        if (share->surplus_count == 0)
            return ASK_MS;
        give_surplus(share);
        return 0;
    }
    doubt(share);
    if (!share->in_trouble)
        log_warning("partitions_not_shared", LOG_ERROR(&error));
    share->in_trouble = true;
    return TROUBLE_MS;
}

static void say_goodbye(struct share *share)
{
    struct error ignored = {0};
    struct db_rows rows;
    const struct db_value values[] = {db_text(text_of(share->config->process))};
    arena_reset(&share->arena);
    if (share->connection != NULL)
        (void)!db_run(share->connection, &leave, values, &share->arena, &rows, &ignored);
}

static void *run(void *self)
{
    struct share *share = self;
    while (pause_ms(share, ask_once(share)))
        continue;
    say_goodbye(share);
    return NULL;
}

static struct share *free_share(struct share *share)
{
    share->connection = db_close(share->connection);
    free(share->held);
    free(share->surplus);
    free(share->given);
    arena_done(&share->names);
    arena_done(&share->arena);
    (void)pthread_cond_destroy(&share->changed);
    (void)pthread_mutex_destroy(&share->mutex);
    free(share);
    return NULL;
}

struct share *share_start(const struct projector_config *config, struct error *error)
{
    struct share *share = calloc(1, sizeof(*share));
    if (share == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "sharing partitions");
        return NULL;
    }
    share->config = config;
    arena_init(&share->names, ARENA_BYTES_MAX);
    arena_init(&share->arena, ARENA_BYTES_MAX);
    (void)pthread_mutex_init(&share->mutex, NULL);
    condition_init(&share->changed);
    share->held = calloc((size_t)config->partitions, sizeof(*share->held));
    share->surplus = calloc((size_t)config->partitions, sizeof(*share->surplus));
    share->given = calloc((size_t)config->partitions, sizeof(*share->given));
    if (share->held == NULL || share->surplus == NULL || share->given == NULL ||
        !name_views(share)) {
        error_set(error, FAULT_OUT_OF_MEMORY, "sharing %d partitions", (int)config->partitions);
        return free_share(share);
    }
    share->started = pthread_create(&share->thread, NULL, run, share) == 0;
    if (share->started)
        return share;
    error_set(error, FAULT_IO_FAILED, "a thread for sharing partitions");
    return free_share(share);
}

struct share *share_stop(struct share *share)
{
    if (share == NULL)
        return NULL;
    (void)pthread_mutex_lock(&share->mutex);
    share->stopping = true;
    (void)pthread_cond_broadcast(&share->changed);
    (void)pthread_mutex_unlock(&share->mutex);
    (void)pthread_join(share->thread, NULL);
    return free_share(share);
}

void share_join(struct share *share, struct sharer *sharer)
{
    (void)pthread_mutex_lock(&share->mutex);
    *sharer = (struct sharer){.next = share->sharers};
    share->sharers = sharer;
    (void)pthread_mutex_unlock(&share->mutex);
}

void share_leave(struct share *share, struct sharer *sharer)
{
    (void)pthread_mutex_lock(&share->mutex);
    struct sharer **place = &share->sharers;
    while (*place != sharer)
        place = &(*place)->next;
    *place = sharer->next;
    (void)pthread_cond_broadcast(&share->changed);
    (void)pthread_mutex_unlock(&share->mutex);
}

bool share_take(struct share *share, struct sharer *sharer, bool *ret_held, struct error *error)
{
    struct timespec until = condition_deadline(PATIENCE_MS * 1000);
    int timed_out = 0;
    (void)pthread_mutex_lock(&share->mutex);
    while (clock_boot_us() >= share->until_boot_us && timed_out == 0)
        timed_out = pthread_cond_timedwait(&share->changed, &share->mutex, &until);
    if (timed_out == 0) {
        memcpy(ret_held, share->held, (size_t)share->config->partitions * sizeof(*ret_held));
        sharer->term = share->term;
        (void)pthread_cond_broadcast(&share->changed);
    }
    (void)pthread_mutex_unlock(&share->mutex);
    return timed_out == 0 ||
           error_set(error, FAULT_NOT_READY, "which partitions to work is not known");
}

void share_put(struct share *share, struct sharer *sharer)
{
    (void)pthread_mutex_lock(&share->mutex);
    sharer->term = 0;
    (void)pthread_cond_broadcast(&share->changed);
    (void)pthread_mutex_unlock(&share->mutex);
}

bool share_has_changed(struct share *share, const struct sharer *sharer)
{
    (void)pthread_mutex_lock(&share->mutex);
    bool changed = sharer->term != share->term;
    (void)pthread_mutex_unlock(&share->mutex);
    return changed;
}
