/* The contexts this service hosts. */
#pragma once

#include "command-svc/command.h"

extern const struct context *const contexts[]; /* NULL-terminated, in the order of contexts.def */
