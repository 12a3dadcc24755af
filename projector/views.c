/* All views of this service. */
#include "projector/views.h"

#define CONTEXT(name) extern const struct view *const name##_views[];
#include "schemas/contexts.def"
#undef CONTEXT

const struct view *const *const view_lists[CONTEXT_COUNT] = {
#define CONTEXT(name) [CONTEXT_##name] = name##_views,
#include "schemas/contexts.def"
#undef CONTEXT
};

size_t views_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < CONTEXT_COUNT; i++)
        for (const struct view *const *view = view_lists[i]; *view != NULL; view++)
            count++;
    return count;
}
