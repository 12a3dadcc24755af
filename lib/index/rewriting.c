/* LMDB's code of a failed change is kept, so that the environment can grow the file and begin
 * again; what the rewriter itself has found wrong is what the caller hears. */
#include "lib/index/rewriting.h"

#include <errno.h>

/* Changes whose pages LMDB shall not keep. */
#define LARGE_REWRITE 4096

static bool changed(struct rewriting *rewriting, int code, struct error *error)
{
    rewriting->changes++;
    rewriting->code = code;
    return code == 0 || error_set(error, FAULT_INDEX_FAILED, "cannot rewrite the index");
}

bool rewriting_put(struct rewriting *rewriting, enum index_table table, struct text key,
                   struct text value, struct error *error)
{
    size_t number = rewriting->first_table + table;
    return changed(rewriting, environment_put(rewriting->environment, number, key, value), error);
}

bool rewriting_remove_all(struct rewriting *rewriting, enum index_table table, struct text prefix,
                          struct error *error)
{
    size_t number = rewriting->first_table + table;
    return changed(rewriting, environment_remove_all(rewriting->environment, number, prefix),
                   error);
}

static int run_once(struct environment *environment, void *self)
{
    struct rewriting *rewriting = self;
    (void)environment;

    rewriting->changes = 0;
    rewriting->code = 0;
    rewriting->refused = !rewriting->rewrite(rewriting->self, &rewriting->error);
    if (!rewriting->refused)
        return 0;
    return rewriting->code != 0 ? rewriting->code : ECANCELED;
}

bool rewriting_run(struct rewriting *rewriting, struct error *error)
{
    if (!environment_write(rewriting->environment, run_once, rewriting, error)) {
        if (rewriting->refused && rewriting->code == 0 && error != NULL)
            *error = rewriting->error;
        return false;
    }
    if (rewriting->changes >= LARGE_REWRITE)
        environment_trim(rewriting->environment);
    return true;
}
