/* schemas/contexts.def as a list of this floor's rooms. */
#include "command-svc/contexts.h"

#include "command-svc/reaction.h"
#include <assert.h>
#include <string.h>

#define CONTEXT(name) extern const struct context name##_context;
#include "schemas/contexts.def"
#undef CONTEXT

const struct context *const contexts[] = {
#define CONTEXT(name) &name##_context,
#include "schemas/contexts.def"
#undef CONTEXT
    NULL,
};

static_assert(sizeof(contexts) / sizeof(contexts[0]) <= CONTEXTS_MAX + 1, "CONTEXTS_MAX");

int contexts_find(const char *name)
{
    for (int c = 0; contexts[c] != NULL; c++)
        if (strcmp(contexts[c]->name, name) == 0)
            return c;
    assert(false);
    return -1;
}

/* Nobody is asked who he is: the room must let the service itself in. */
static void check_errand(const struct command *command)
{
    assert((command->roles & ROLE_SERVICE) != 0);
    assert(command->owner == NULL || (command->owner_exempt & ROLE_SERVICE) != 0);
}

static bool has_deadline(const struct aggregate *aggregate, const char *name)
{
    for (const struct deadline *d = aggregate->deadlines; d != NULL && d->name != NULL; d++)
        if (strcmp(d->name, name) == 0)
            return true;
    return false;
}

static void check_deadlines(const struct aggregate *aggregate)
{
    for (const struct deadline *d = aggregate->deadlines; d != NULL && d->name != NULL; d++) {
        assert(d->command->aggregate == aggregate && d->command->part == NULL);
        check_errand(d->command);
    }
    for (int kind = 0; aggregate->event_records[kind] != NULL; kind++) {
        const struct aggregate_event *line = &aggregate->events[kind];
        assert(line->sets == NULL || (has_deadline(aggregate, line->sets) && line->due != NULL));
        assert(line->clears == NULL || has_deadline(aggregate, line->clears));
    }
}

static void check_reaction(const struct reaction *reaction)
{
    assert(reaction->from == REACTION_FROM_BEGINNING || reaction->from == REACTION_FROM_NOW);
    if (reaction->outcome == NULL)
        return;
    assert(reaction->outcome->input == &reaction_outcome_record);
    check_errand(reaction->outcome);
}

void contexts_check(void)
{
    for (int c = 0; contexts[c] != NULL; c++) {
        for (const struct aggregate *const *a = contexts[c]->aggregates; *a != NULL; a++)
            check_deadlines(*a);
        const struct reaction *const *reaction = contexts[c]->reactions;
        for (; reaction != NULL && *reaction != NULL; reaction++)
            check_reaction(*reaction);
    }
}
