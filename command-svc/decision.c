/* Collects what a decide function says. */
#include "command-svc/decision.h"

#include <assert.h>

void decision_start(struct decision *decision, struct arena *arena)
{
    *decision = (struct decision){.arena = arena};
}

void refuse(struct decision *decision, const struct refusal *refusal)
{
    assert(decision->refusal == NULL && decision->event_count == 0);
    decision->refusal = refusal;
}

void emit(struct decision *decision, const struct record *record, const void *value)
{
    assert(decision->refusal == NULL && decision->event_count < DECISION_EVENTS_MAX);
    const void *copy = arena_copy(decision->arena, value, record->size);
    if (copy == NULL) {
        decision->out_of_memory = true;
        return;
    }
    decision->events[decision->event_count++] = (struct decided_event){record, copy};
}
