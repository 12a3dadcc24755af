/* schemas/contexts.def as a list of this floor's rooms. */
#include "command-svc/contexts.h"

#define CONTEXT(name) extern const struct context name##_context;
#include "schemas/contexts.def"
#undef CONTEXT

const struct context *const contexts[] = {
#define CONTEXT(name) &name##_context,
#include "schemas/contexts.def"
#undef CONTEXT
    NULL,
};
