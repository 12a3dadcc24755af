/* A set of event types, of all contexts. */
#pragma once

#include "projector/view.h"
#include "schemas/contexts.h"

#define EVENT_KINDS_MAX 64 /* of a context */

struct event_set {
    uint64_t kinds[CONTEXT_COUNT];
};

/* Adds all that the view reads. */
void event_set_add(struct event_set *set, const struct view *view);
/* The number of an event type in its context; negative: it has none such. */
int event_kind_of(enum context_number context, const struct record *record);

static inline bool event_set_has(const struct event_set *set, enum context_number context, int kind)
{
    return (set->kinds[context] >> kind & 1) != 0;
}
