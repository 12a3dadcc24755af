/* One view being kept. */
#include "projector/projection.h"

#include "lib/core/clock.h"
#include "projector/revisions.h"
#include <stdlib.h>

/* Beyond its limit a cache may grow by what one batch touches. */
#define CACHE_HEADROOM_BYTES ((size_t)256 * 1024 * 1024)

struct projection *projection_create(const struct view *view, const struct projector_config *config,
                                     struct arena *arena, struct error *error)
{
    struct projection *projection = calloc(1, sizeof(*projection));
    if (projection == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "keeping %s", view->name);
        return NULL;
    }
    projection->view = view;
    projection->started_boot_us = clock_boot_us();
    health_init(&projection->health);
    cache_init(&projection->cache, view->row, view->key, (size_t)config->cache_bytes,
               (size_t)config->batch_bytes + CACHE_HEADROOM_BYTES);
    fold_init(&projection->fold, view, &projection->cache);
    /* Revisions beside each other are told apart. */
    const char *label = revisions_count(text_of(view->name)) == 1
                            ? view->name
                            : arena_print(arena, "%s\",revision=\"%d", view->name, view->revision);
    if (label == NULL)
        error_set(error, FAULT_OUT_OF_MEMORY, "keeping %s", view->name);
    else if (sources_create(view, (int32_t)config->partitions, &projection->sources, error) &&
             view_metrics_init(&projection->metrics, label, &projection->sources, arena, error))
        return projection;
    return projection_destroy(projection);
}

struct projection *projection_destroy(struct projection *projection)
{
    if (projection == NULL)
        return NULL;
    fold_done(&projection->fold);
    cache_done(&projection->cache);
    sources_destroy(&projection->sources);
    health_done(&projection->health);
    free(projection);
    return NULL;
}

void projection_forget(struct projection *projection)
{
    fold_undo(&projection->fold);
    cache_clear(&projection->cache);
}
