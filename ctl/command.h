/* A command of sijangctl: a file with one of these constants, and a line in main.c's list. */
#pragma once

#include "lib/core/config.h"
#include <getopt.h>

enum command_exit {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1, /* the world did not let us */
    COMMAND_MISUSED = 2 /* wrong arguments or settings: nothing was tried */
};

struct command {
    const char *words[3];  /* "topics", "create", NULL */
    const char *arguments; /* as shown in the usage line */
    const char *help;      /* lines, each indented by two, the example among them */
    const struct config_entry *settings;
    /* argv[0] is the last of the words; --help is answered already. error->detail is printed. */
    enum command_exit (*run)(int argc, char **argv, struct error *error);
};

extern const struct command history, lag, migrate, parked_discard, parked_list, parked_retry, tail,
    token, topics_create, verify_log, views, why;
extern const struct command reactions_discard, reactions_list, reactions_retry;
extern const struct command repair, verify_views;
extern const struct command completion, copy, diff, produce_test, seek, topics_list;
extern const struct command views_drop, views_pause, views_plan, views_progress, views_rebuild;
extern const struct command views_audit;
extern const struct command views_resume, views_rollback, views_swap, views_throttle, views_verify;
extern const struct command *const commands[]; /* all of them, NULL-terminated */

/* What commands that only read the log need; BROKERS_SETTING is its line in a table. */
struct brokers_settings {
    const char *brokers;
};
#define BROKERS_SETTING(type)                                                                      \
    {                                                                                              \
        "SIJANG_KAFKA_BROKERS", CONFIG_TEXT, offsetof(type, brokers), "127.0.0.1:9092", 1, 1000,   \
            "host:port, comma separated."                                                          \
    }

/* For --help. */
void settings_print(const struct config_entry *settings);

/* An option that is there or not. */
struct command_flag {
    const char *name; /* NULL: the end of the list */
    bool *given;
};
/* Sets those that argv has; what is left, at most words_max words, begins at argv[optind]. */
MUST_CHECK bool command_words(int argc, char **argv, const struct command_flag *flags,
                              int words_max, struct error *error);
/* What getopt_long answers to an argument it does not know, or one without its value. */
enum command_exit command_misused(char **argv, struct error *error);
/* The number of a partition. */
MUST_CHECK bool command_partition(const char *value, int32_t *ret_partition, struct error *error);
/* Not a context's: only its owner appends to that, all else there is void and stays for ever. */
MUST_CHECK bool command_foreign_topic(const char *topic, struct error *error);
/* A whole number within bounds. */
MUST_CHECK bool command_number(const char *option, const char *value, int64_t max,
                               int64_t *ret_number, struct error *error);
