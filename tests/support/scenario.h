/* Given-when-then for the pure rooms of command-svc: an aggregate in memory, a command decided on
 * it. */
#pragma once

#include "command-svc/command.h"
#include "command-svc/reaction.h"

/* One aggregate; forget it with scenario_end. */
void scenario_begin(const struct aggregate *aggregate);
void scenario_end(void);

void scenario_caller(const char *subject);
/* Folds an event of the past. */
void scenario_given(const struct record *record, const void *value);
/* Reads the body by the command's own table, decides, and folds what follows. `in_path` is the
 * value of the command's one field that is taken from the path; NULL if it has none. */
void scenario_when(const struct command *command, const char *in_path, const char *body);

/* The events of the last decision, in order; asserts that there are so many and of that record. */
const void *scenario_then(size_t number, size_t count, const struct record *record);
void scenario_then_nothing(void);
void scenario_then_invalid(const char *field, const char *code);
void scenario_then_refused(const struct refusal *refusal);
const void *scenario_root(void);

/* A reaction sees an event of the aggregate `source_id`. */
void scenario_react(const struct reaction *reaction, const struct record *record, const void *value,
                    const char *source_id);
/* The input of the step of that name, and asserts what it asks of whom. */
const void *scenario_then_step(const char *name, const struct command *command,
                               const char *target_id);
void scenario_then_steps(size_t count);
/* What became of a step, decided by the reaction's outcome command. */
void scenario_outcome(const struct command *command, const char *step_name, const char *code);

#define GIVEN(name, ...)          scenario_given(&name##_record, &(struct name){__VA_ARGS__})
#define WHEN(name, body)          scenario_when(&name, NULL, body)
#define WHEN_AT(name, path_value) scenario_when(&name, path_value, "")
#define WHEN_REACTS(reaction, source_id, name, ...)                                                \
    scenario_react(&reaction, &name##_record, &(struct name){__VA_ARGS__}, source_id)
#define THEN_REFUSED(name) scenario_then_refused(&name)
#define THEN(number, count, name)                                                                  \
    ((const struct name *)scenario_then(number, count, &name##_record))
