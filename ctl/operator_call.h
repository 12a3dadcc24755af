/* What an operator asks of a service over HTTP, with a token made for it. */
#pragma once

#include "ctl/command.h"
#include "lib/core/arena.h"

struct operator_settings {
    const char *url; /* the default of it is the command's own */
    struct secret secret;
    const char *issuer;
};
#define OPERATOR_TOKEN_SETTINGS                                                                    \
    {"SIJANG_TOKEN_SECRET",                                                                        \
     CONFIG_SECRET,                                                                                \
     offsetof(struct operator_settings, secret),                                                   \
     NULL,                                                                                         \
     32,                                                                                           \
     1000,                                                                                         \
     "Signs bearer tokens; the services' own."},                                                   \
    {                                                                                              \
        "SIJANG_TOKEN_ISSUER", CONFIG_TEXT, offsetof(struct operator_settings, issuer), "sijang",  \
            1, 100, "Who issues tokens."                                                           \
    }

/* What an operator says beside words. */
struct operator_given {
    const char *who;    /* "sijangctl" unless said */
    const char *reason; /* NULL: none, as the next one */
    const char *from;   /* where a page begins */
};

/* Reads those of --as, --reason and --from (a, r, f) that the table has; optind is then the first
 * word. DONE, or MISUSED with an error. */
MUST_CHECK enum command_exit operator_options(int argc, char **argv, const struct option *options,
                                              struct operator_given *ret_given,
                                              struct error *error);

struct operator_call {
    const struct operator_settings *settings;
    const char *method;
    const char *url; /* all of it; NULL, as arena_print gives it: out of memory */
    struct text body;
    const char *who;
    struct arena *arena; /* also the answer's */
};

/* False: there was no answer, or it refuses and was shown as it came. */
MUST_CHECK bool operator_ask(const struct operator_call *call, struct text *ret_answer,
                             struct error *error);
/* Words as they are in paths: nothing there needs escaping. */
bool operator_word_is_plain(const char *word);
