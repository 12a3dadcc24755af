/* One rewrite of an index: changes of one context's tables straight in LMDB, and what becomes of
 * them. */
#pragma once

#include "lib/index/environment.h"

struct rewriting {
    struct environment *environment;
    size_t first_table; /* of the context */
    index_rewriter *rewrite;
    void *self;
    size_t changes;
    int code; /* LMDB's, of the change that failed */
    bool refused;
    struct error error; /* why */
};

/* index_rewrite, with the first four filled in. */
MUST_CHECK bool rewriting_run(struct rewriting *rewriting, struct error *error);
MUST_CHECK bool rewriting_put(struct rewriting *rewriting, enum index_table table, struct text key,
                              struct text value, struct error *error);
MUST_CHECK bool rewriting_remove_all(struct rewriting *rewriting, enum index_table table,
                                     struct text prefix, struct error *error);
