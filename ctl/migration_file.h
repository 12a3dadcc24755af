/* The folder of numbered SQL files, NNNN_name.sql. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/error.h"
#include "lib/core/text.h"
#include <stdint.h>

struct migration_file {
    int64_t number;
    struct text name;   /* the file's */
    struct text sha256; /* lower case hex */
    const char *sql;
};

struct migration_files {
    struct migration_file *items; /* in order of number */
    size_t count;
};

/* All of a folder's, from the arena. CONFIG_INVALID: two have one number, a name is no number and
 * words, a file is too large or holds a NUL. IO_FAILED: cannot be read. */
MUST_CHECK bool migration_files_read(const char *folder, struct arena *arena,
                                     struct migration_files *ret_files, struct error *error);
