/* One worker for each revision that is wanted. */
#include "projector/keepers.h"

#include "lib/core/logger.h"
#include "projector/revisions.h"
#include "projector/worker.h"
#include <stdlib.h>

struct keeper {
    struct projection *projection;
    struct worker *worker; /* NULL: it is not kept here */
};

struct keepers {
    const struct projector_config *config;
    struct keeper *items;
    size_t count;
};

struct keepers *keepers_create(const struct projector_config *config,
                               struct projection *const *projections, size_t count,
                               struct error *error)
{
    struct keepers *keepers = calloc(1, sizeof(*keepers));
    struct keeper *items = calloc(count + 1, sizeof(*items));
    if (keepers == NULL || items == NULL) {
        free(keepers);
        free(items);
        error_set(error, FAULT_OUT_OF_MEMORY, "keepers");
        return NULL;
    }
    *keepers = (struct keepers){.config = config, .items = items};
    for (size_t i = 0; i < count; i++)
        if (revisions_count(text_of(projections[i]->view->name)) > 1)
            items[keepers->count++].projection = projections[i];
    return keepers;
}

static bool start(const struct keepers *keepers, struct keeper *keeper, struct error *error)
{
    keeper->worker = worker_create(keepers->config, NULL, 1, error);
    if (keeper->worker == NULL)
        return false;
    keeper->worker->beside = true;
    worker_add(keeper->worker, keeper->projection);
    if (worker_start(keeper->worker, error))
        return true;
    keeper->worker = worker_destroy(keeper->worker);
    return false;
}

static void stop(struct keeper *keeper)
{
    if (keeper->worker == NULL)
        return;
    keeper->worker = worker_destroy(keeper->worker);
    projection_forget(keeper->projection);
}

static void say(const struct keeper *keeper, const char *role)
{
    log_info("revision_kept", LOG_STRING("view", keeper->projection->view->name),
             LOG_NUMBER("revision", keeper->projection->view->revision), LOG_STRING("as", role));
}

static void set_role(struct keeper *keeper, enum projection_role role)
{
    static const char *const names[] = {
        [ROLE_LIVE] = "live", [ROLE_BESIDE] = "beside", [ROLE_ELSEWHERE] = "not at all"};
    if (atomic_exchange(&keeper->projection->role, role) != role)
        say(keeper, names[role]);
}

bool keepers_look(struct keepers *keepers, struct db_connection *connection, struct arena *arena,
                  struct error *error)
{
    struct db_rows rows;
    if (keepers->count == 0)
        return true;
    if (!revisions_load(connection, arena, &rows, error))
        return false;
    for (size_t i = 0; i < keepers->count; i++) {
        struct keeper *keeper = &keepers->items[i];
        const struct revision_row *row = revisions_find(&rows, keeper->projection->view);
        bool wanted = row != NULL && (row->live || row->beside);
        if (!wanted)
            stop(keeper);
        else if (keeper->worker == NULL && !start(keepers, keeper, error))
            return false;
        set_role(keeper, !wanted ? ROLE_ELSEWHERE : row->live ? ROLE_LIVE : ROLE_BESIDE);
    }
    return true;
}

void keepers_leave(struct keepers *keepers)
{
    for (size_t i = 0; i < keepers->count; i++) {
        stop(&keepers->items[i]);
        set_role(&keepers->items[i], ROLE_ELSEWHERE);
    }
}

struct keepers *keepers_destroy(struct keepers *keepers)
{
    if (keepers == NULL)
        return NULL;
    for (size_t i = 0; i < keepers->count; i++)
        stop(&keepers->items[i]);
    free(keepers->items);
    free(keepers);
    return NULL;
}
