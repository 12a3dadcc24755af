/* The contexts this service knows. */
#pragma once

#include "command-svc/command.h"

#define CONTEXTS_MAX 16

/* NULL-terminated, in the order of contexts.def; all that the house has, hosted here or not. */
extern const struct context *const contexts[];

/* Its place in contexts; asserts that there is one of that name. */
int contexts_find(const char *name);
/* Asserts that what rooms say of deadlines and reactions fits together. */
void contexts_check(void);
