/* Collects what a reaction asks for, and names it. */
#include "command-svc/reaction.h"

#include <assert.h>
#include <string.h>

static const struct field reaction_outcome_fields[] = {
    {FIELD_AT(reaction_outcome, reaction), .kind = FIELD_TEXT},
    {FIELD_AT(reaction_outcome, step), .kind = FIELD_TEXT},
    {FIELD_AT(reaction_outcome, target), .kind = FIELD_TEXT},
    {FIELD_AT(reaction_outcome, accepted), .kind = FIELD_BOOLEAN},
    {FIELD_AT(reaction_outcome, code), .kind = FIELD_TEXT},
};

const struct record reaction_outcome_record = {
    .name = "ReactionOutcome",
    .size = sizeof(struct reaction_outcome),
    .fields = reaction_outcome_fields,
    .field_count = COUNT_OF(reaction_outcome_fields),
};

void step(struct reaction_steps *steps, const char *name, const struct command *command,
          struct text target_id, const void *input)
{
    assert(steps->count < REACTION_STEPS_MAX && target_id.bytes != NULL);
    for (size_t i = 0; i < steps->count; i++)
        assert(strcmp(steps->entries[i].name, name) != 0);
    void *copy = arena_alloc_zeroed(steps->arena, command->input->size + 1);
    if (copy == NULL) {
        steps->out_of_memory = true;
        return;
    }
    if (command->input->size > 0)
        memcpy(copy, input, command->input->size);
    steps->entries[steps->count++] = (struct reaction_step){name, command, target_id, copy};
}

static struct uuid named(const struct uuid *within, const char *name)
{
    return uuid_v5(within, name, strlen(name));
}

struct uuid reaction_step_id(const struct uuid *event_id, const struct reaction *reaction,
                             const char *step_name)
{
    struct uuid of_reaction = named(event_id, reaction->name);

    return named(&of_reaction, step_name);
}

struct uuid reaction_outcome_id(const struct uuid *step_id)
{
    return named(step_id, "outcome");
}

struct uuid deadline_command_id(const struct uuid *setting_event_id, const char *name)
{
    return named(setting_event_id, name);
}
