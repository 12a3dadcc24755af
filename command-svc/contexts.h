/* The contexts this service hosts. */
#pragma once

#include "command-svc/command.h"

extern const struct context *const contexts[]; /* NULL-terminated, in the order of contexts.def */

/* Where the context of that name stands in `contexts`; -1 if nowhere. */
int contexts_find(const char *name);
