/* Configuration: one table per program, read from the environment and the command line, shown by
 * --help, tried by --check. Nothing else calls getenv. */
#pragma once

#include "lib/core/check.h"
#include "lib/core/error.h"
#include <stddef.h> /* offsetof, for the tables */
#include <stdint.h>
#include <stdio.h>

enum config_kind { CONFIG_TEXT, CONFIG_INTEGER, CONFIG_BOOLEAN, CONFIG_SECRET };

/* Secrets print as ***; take the string out only where it is used. */
struct secret {
    const char *reveal;
};

struct config_entry {
    const char *name; /* of the environment variable; a NULL name ends the table */
    enum config_kind kind;
    size_t offset; /* of a const char *, int64_t, bool or struct secret in the config struct */
    const char *initial; /* default; NULL: must be given */
    int64_t min, max;    /* integers: bounds; texts: bounds of the length */
    const char *help;
};

struct config_program {
    const char *name;
    const struct config_entry *table;
    /* What a row's bounds do not tell: looks at what was loaded. NULL: nothing. */
    bool (*check)(const void *config, struct error *error);
};

enum config_outcome { CONFIG_RUN, CONFIG_EXIT_OK, CONFIG_EXIT_FAILED };

/* Fills *config (a struct of the program) from the environment. Texts are borrowed from it. */
MUST_CHECK bool config_load(const struct config_entry *table, void *config, struct error *error);
/* Loads, and answers --help, --check, --version and unknown arguments on stdout/stderr. Options
 * (`--a-b VALUE` for PREFIX_A_B) are put into the environment: before any thread. */
enum config_outcome config_from_main(int argc, char **argv, const struct config_program *program,
                                     void *config);
void config_print_help(const struct config_entry *table, const char *program, FILE *out);
