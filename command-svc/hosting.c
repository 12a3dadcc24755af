/* A list of names against the house's directory. */
#include "command-svc/hosting.h"

#include "lib/core/buffer.h"
#include <string.h>

#define DIRECTORY_BYTES_MAX 1000

static bool name_the_others(struct text name, struct error *error)
{
    struct buffer CLEANUP(buffer_done) directory;

    buffer_init(&directory, DIRECTORY_BYTES_MAX);
    for (int c = 0; contexts[c] != NULL; c++)
        buffer_print(&directory, " %s", contexts[c]->name);
    return error_set(error, FAULT_CONFIG_INVALID,
                     "SIJANG_CONTEXTS: no context \"%.*s\"; there are:%.*s", TEXT_ARGS(name),
                     TEXT_ARGS(buffer_text(&directory)));
}

static bool mark(struct text name, bool wanted[static CONTEXTS_MAX], struct error *error)
{
    for (int c = 0; contexts[c] != NULL; c++)
        if (text_is(name, contexts[c]->name)) {
            wanted[c] = true;
            return true;
        }
    return name_the_others(name, error);
}

void hosting_all(struct hosting *ret_hosting)
{
    ret_hosting->count = 0;
    for (int c = 0; contexts[c] != NULL; c++)
        ret_hosting->contexts[ret_hosting->count++] = c;
}

bool hosting_read(const char *names, struct hosting *ret_hosting, struct error *error)
{
    bool wanted[CONTEXTS_MAX] = {false};

    hosting_all(ret_hosting);
    if (names[0] == '\0')
        return true;
    for (size_t size;; names += size + 1) {
        size = strcspn(names, ",");
        if (!mark((struct text){names, size}, wanted, error))
            return false;
        if (names[size] == '\0')
            break;
    }
    ret_hosting->count = 0;
    for (int c = 0; contexts[c] != NULL; c++)
        if (wanted[c])
            ret_hosting->contexts[ret_hosting->count++] = c;
    return true;
}

int hosting_find(const struct hosting *hosting, int context)
{
    for (int h = 0; h < hosting->count; h++)
        if (hosting->contexts[h] == context)
            return h;
    return -1;
}
