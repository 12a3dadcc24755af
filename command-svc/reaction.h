/* What a room says about a reaction: which events of its context make which commands happen
 * elsewhere (docs/REACTIONS.md). */
#pragma once

#include "command-svc/command.h"
#include "lib/core/arena.h"
#include "lib/core/id.h"

#define REACTION_STEPS_MAX 8

/* One command a reaction asks for. */
struct reaction_step {
    const char *name;
    const struct command *command;
    struct text target_id; /* of the command's aggregate */
    void *input;           /* of the command's input record */
};

struct reaction_steps {
    struct text source_id; /* given: the aggregate whose event it is */
    struct arena *arena;   /* given */
    struct reaction_step entries[REACTION_STEPS_MAX];
    size_t count;
    bool out_of_memory;
};

enum reaction_start {
    REACTION_FROM_BEGINNING = 1, /* a new reaction sees all events there are */
    REACTION_FROM_NOW,           /* those after its first checkpoint */
};

struct reaction {
    const char *name;                   /* one of a name per context; part of ids: never renamed */
    const struct record *const *events; /* of the context, NULL-terminated */
    enum reaction_start from;
    const struct command *outcome; /* of the sending aggregate; NULL: it does not ask */
    /* Pure. Texts of the steps may borrow from the event. */
    void (*react)(const struct event *event, struct reaction_steps *steps);
};

/* Asks for one step; its name is unique in the event. Copies the input's struct. */
void step(struct reaction_steps *steps, const char *name, const struct command *command,
          struct text target_id, const void *input);

/* The input of outcome commands. */
struct reaction_outcome {
    struct text reaction;
    struct text step;
    struct text target; /* the target aggregate's id */
    bool accepted;
    struct text code; /* of the refusal; empty if it was accepted */
};
extern const struct record reaction_outcome_record;

/* Command ids: of a step, of the outcome that comes back from it, of a deadline that is due. */
struct uuid reaction_step_id(const struct uuid *event_id, const struct reaction *reaction,
                             const char *step_name);
struct uuid reaction_outcome_id(const struct uuid *step_id);
struct uuid deadline_command_id(const struct uuid *setting_event_id, const char *name);
