/* The one table that knows every context, expanded from contexts.def. */
#include "schemas/contexts.h"

#include <string.h>

#define CONTEXT(name) extern const struct record *const name##_events[];
#include "schemas/contexts.def"
#undef CONTEXT

const struct context contexts[CONTEXT_COUNT] = {
#define CONTEXT(name)                                                                              \
    [CONTEXT_##name] = {#name, "sijang." #name ".events.v1", "sijang." #name ".public.v1",         \
                        name##_events},
#include "schemas/contexts.def"
#undef CONTEXT
};

const struct context *context_named(struct text name)
{
    for (size_t i = 0; i < CONTEXT_COUNT; i++)
        if (text_is(name, contexts[i].name))
            return &contexts[i];
    return NULL;
}

const struct context *context_find(const char *name)
{
    return context_named(text_of(name));
}

const struct context *context_of_topic(const char *topic)
{
    for (size_t i = 0; i < CONTEXT_COUNT; i++)
        if (strcmp(contexts[i].topic, topic) == 0)
            return &contexts[i];
    return NULL;
}
