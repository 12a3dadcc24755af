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

struct operator_call {
    const struct operator_settings *settings;
    const char *method;
    const char *url; /* all of it */
    struct text body;
    const char *who;
    struct arena *arena; /* also the answer's */
};

/* False: there was no answer. */
MUST_CHECK bool operator_ask(const struct operator_call *call, int *ret_status,
                             struct text *ret_answer, struct error *error);
/* Words as they are in paths: nothing there needs escaping. */
bool operator_word_is_plain(const char *word);
