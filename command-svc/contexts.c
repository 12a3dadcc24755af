/* schemas/contexts.def as a list of this floor's rooms. */
#include "command-svc/contexts.h"

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

int contexts_find(const char *name)
{
    for (int i = 0; contexts[i] != NULL; i++)
        if (strcmp(contexts[i]->name, name) == 0)
            return i;
    return -1;
}
