/* A set of event types. */
#include "projector/event_set.h"

#include <assert.h>

int event_kind_of(enum context_number context, const struct record *record)
{
    const struct record *const *events = contexts[context].events;
    for (int kind = 0; events[kind] != NULL; kind++)
        if (events[kind] == record)
            return kind;
    return -1;
}

void event_set_add(struct event_set *set, const struct view *view)
{
    for (size_t i = 0; view->events[i] != NULL; i++)
        for (int context = 0; context < CONTEXT_COUNT; context++) {
            int kind = event_kind_of((enum context_number)context, view->events[i]);
            assert(kind < EVENT_KINDS_MAX);
            if (kind >= 0)
                set->kinds[context] |= UINT64_C(1) << kind;
        }
}
