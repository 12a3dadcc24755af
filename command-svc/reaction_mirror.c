/* Marks noted by the shards, written by a thread now and then. */
#include "command-svc/reaction_mirror.h"

#include "command-svc/contexts.h"
#include "command-svc/reaction.h"
#include "lib/core/arena.h"
#include "lib/core/condition.h"
#include "lib/core/logger.h"
#include "lib/log/admin.h"
#include "lib/log/position.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define INTERVAL_S      2
#define TIMEOUT_MS      3000
#define REACTIONS_MAX   64
#define NAMES_BYTES_MAX 65536

/* One reaction: its group, and a mark a partition. */
struct shown {
    const char *group;
    const char *topic;
    _Atomic int64_t *noted;
    int64_t *written;
};

struct reaction_mirror {
    const char *brokers;
    int32_t partition_count;
    size_t first[REACTIONS_MAX]; /* by context: its first reaction in .shown */
    struct shown shown[REACTIONS_MAX];
    size_t count;
    struct arena names;
    int64_t *offsets; /* by partition */
    struct log_admin *admin;
    pthread_t thread;
    bool runs;
    bool failed;           /* the last write, which was said */
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t wanted;
    bool stopping;
};

void reaction_mirror_note(struct reaction_mirror *mirror, int context, size_t reaction,
                          int32_t partition, int64_t low_water)
{
    if (mirror == NULL)
        return;
    const struct shown *shown = &mirror->shown[mirror->first[context] + reaction];
    atomic_store(&shown->noted[partition], low_water);
}

static bool gather(const struct reaction_mirror *mirror, const struct shown *shown)
{
    bool any = false;

    for (int32_t p = 0; p < mirror->partition_count; p++) {
        int64_t noted = atomic_load(&shown->noted[p]);
        bool moved = noted > shown->written[p];
        mirror->offsets[p] = moved ? noted : LOG_OFFSET_NONE;
        any = any || moved;
    }
    return any;
}

static bool write_gathered(struct reaction_mirror *mirror, const struct shown *shown,
                           struct error *error)
{
    struct log_group group = {shown->group, shown->topic, mirror->partition_count};

    if (mirror->admin == NULL)
        mirror->admin = log_admin_open(mirror->brokers, TIMEOUT_MS, error);
    return mirror->admin != NULL &&
           log_admin_move_group(mirror->admin, &group, mirror->offsets, error);
}

static void write_one(struct reaction_mirror *mirror, const struct shown *shown)
{
    struct error error;

    if (!gather(mirror, shown))
        return;
    if (write_gathered(mirror, shown, &error)) {
        mirror->failed = false;
        for (int32_t p = 0; p < mirror->partition_count; p++)
            if (mirror->offsets[p] != LOG_OFFSET_NONE)
                shown->written[p] = mirror->offsets[p];
    } else if (!mirror->failed) {
        mirror->failed = true;
        log_warning("reactions_not_mirrored", LOG_ERROR(&error));
    }
}

/* False: it shall stop. */
static bool wait_a_while(struct reaction_mirror *mirror)
{
    struct timespec until = condition_deadline(INTERVAL_S * INT64_C(1000000));

    pthread_mutex_lock(&mirror->mutex);
    int code = 0;
    while (!mirror->stopping && code == 0)
        code = pthread_cond_timedwait(&mirror->wanted, &mirror->mutex, &until);
    bool stopping = mirror->stopping;
    pthread_mutex_unlock(&mirror->mutex);
    return !stopping;
}

static void *run(void *self)
{
    struct reaction_mirror *mirror = self;

    while (wait_a_while(mirror))
        for (size_t i = 0; i < mirror->count; i++)
            write_one(mirror, &mirror->shown[i]);
    return NULL;
}

static bool show(struct reaction_mirror *mirror, const char *context,
                 const struct reaction *reaction)
{
    size_t count = (size_t)mirror->partition_count;
    assert(mirror->count < REACTIONS_MAX);
    struct shown *shown = &mirror->shown[mirror->count++];

    *shown = (struct shown){
        .group = arena_print(&mirror->names, "sijang.reactions.%s.%s", context, reaction->name),
        .topic = arena_print(&mirror->names, "sijang.%s.events.v1", context),
        .noted = calloc(count, sizeof(*shown->noted)),
        .written = calloc(count, sizeof(*shown->written)),
    };
    return shown->group != NULL && shown->topic != NULL && shown->noted != NULL &&
           shown->written != NULL;
}

static bool show_all(struct reaction_mirror *mirror)
{
    mirror->offsets = calloc((size_t)mirror->partition_count, sizeof(*mirror->offsets));
    bool ok = mirror->offsets != NULL;
    for (int c = 0; ok && contexts[c] != NULL; c++) {
        const struct reaction *const *reaction = contexts[c]->reactions;
        mirror->first[c] = mirror->count;
        for (; ok && reaction != NULL && *reaction != NULL; reaction++)
            ok = show(mirror, contexts[c]->name, *reaction);
    }
    return ok;
}

static bool start_thread(struct reaction_mirror *mirror, struct error *error)
{
    pthread_mutex_init(&mirror->mutex, NULL);
    condition_init(&mirror->wanted);
    if (mirror->count == 0)
        return true;
    int failed = pthread_create(&mirror->thread, NULL, run, mirror);
    mirror->runs = failed == 0;
    return mirror->runs ||
           error_set(error, FAULT_IO_FAILED, "a thread for a mirror: error %d", failed);
}

struct reaction_mirror *reaction_mirror_start(const struct command_config *config,
                                              struct error *error)
{
    struct reaction_mirror *mirror = calloc(1, sizeof(*mirror));

    if (mirror == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "a mirror of reactions");
        return NULL;
    }
    mirror->partition_count = (int32_t)config->partitions;
    arena_init(&mirror->names, NAMES_BYTES_MAX);
    if (!show_all(mirror)) {
        error_set(error, FAULT_OUT_OF_MEMORY, "a mirror of reactions");
        return reaction_mirror_stop(mirror);
    }
    mirror->brokers = config->kafka_brokers;
    return start_thread(mirror, error) ? mirror : reaction_mirror_stop(mirror);
}

struct reaction_mirror *reaction_mirror_stop(struct reaction_mirror *mirror)
{
    if (mirror == NULL)
        return NULL;
    if (mirror->runs) {
        pthread_mutex_lock(&mirror->mutex);
        mirror->stopping = true;
        pthread_cond_signal(&mirror->wanted);
        pthread_mutex_unlock(&mirror->mutex);
        pthread_join(mirror->thread, NULL);
    }
    log_admin_close(mirror->admin);
    for (size_t i = 0; i < mirror->count; i++) {
        free(mirror->shown[i].noted);
        free(mirror->shown[i].written);
    }
    free(mirror->offsets);
    arena_done(&mirror->names);
    free(mirror);
    return NULL;
}
