/* The contexts this service hosts. */
#pragma once

#include "command-svc/command.h"

extern const struct context *const contexts[];

/* Its place in contexts; asserts that there is one of that name. */
int contexts_find(const char *name);
/* Asserts that what rooms say of deadlines and reactions fits together. */
void contexts_check(void); /* NULL-terminated, in the order of contexts.def */
