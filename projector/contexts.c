/* schemas/contexts.def as a list of this floor's rooms. */
#include "projector/contexts.h"

#include <string.h>

#define CONTEXT(context)                                                                           \
    extern const struct record *const context##_events[];                                          \
    extern const struct view *const context##_views[];                                             \
    static const struct event_context context##_context = {                                        \
        .name = #context,                                                                          \
        .topic = "sijang." #context ".events.v1",                                                  \
        .events = context##_events,                                                                \
        .views = context##_views,                                                                  \
    };
#include "schemas/contexts.def"
#undef CONTEXT

const struct event_context *const event_contexts[] = {
#define CONTEXT(context) &context##_context,
#include "schemas/contexts.def"
#undef CONTEXT
    NULL,
};

const struct event_context *event_context_find(const char *name)
{
    for (size_t i = 0; event_contexts[i] != NULL; i++)
        if (strcmp(event_contexts[i]->name, name) == 0)
            return event_contexts[i];
    return NULL;
}

int event_context_kind(const struct event_context *context, const struct record *record)
{
    for (int kind = 0; context->events[kind] != NULL; kind++)
        if (context->events[kind] == record)
            return kind;
    return -1;
}
