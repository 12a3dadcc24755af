/* What all commands say about their options and environment. */
#include "ctl/command.h"

#include "lib/core/text.h"
#include "schemas/contexts.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define PARTITION_MAX 1024
#define FLAGS_MAX     4
#define FLAG_FIRST    256 /* above what getopt_long answers to the unknown */

void settings_print(const struct config_entry *settings)
{
    if (settings->name != NULL)
        (void)printf("\nEnvironment:\n");
    for (const struct config_entry *entry = settings; entry->name != NULL; entry++) {
        (void)printf("  %s\n      %s", entry->name, entry->help);
        if (entry->initial == NULL)
            (void)printf(" Must be set.\n");
        else if (entry->initial[0] == '\0')
            (void)printf("\n");
        else
            (void)printf(" Default: %s.\n", entry->initial);
    }
}

enum command_exit command_misused(char **argv, struct error *error)
{
    error_set(error, FAULT_CONFIG_INVALID, "%s is unknown or lacks its value, try --help",
              argv[optind - 1]);
    return COMMAND_MISUSED;
}

bool command_words(int argc, char **argv, const struct command_flag *flags, int words_max,
                   struct error *error)
{
    struct option options[FLAGS_MAX + 1] = {{0}};
    int found;

    for (int i = 0; flags[i].name != NULL; i++) {
        assert(i < FLAGS_MAX);
        options[i] = (struct option){flags[i].name, no_argument, NULL, FLAG_FIRST + i};
    }
    opterr = 0;
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (found < FLAG_FIRST)
            return command_misused(argv, error) == COMMAND_DONE;
        *flags[found - FLAG_FIRST].given = true;
    }
    return argc - optind <= words_max ||
           error_set(error, FAULT_CONFIG_INVALID, "%s is too much, try --help",
                     argv[optind + words_max]);
}

bool command_number(const char *option, const char *value, int64_t max, int64_t *ret_number,
                    struct error *error)
{
    int64_t number;
    if (!text_to_integer(text_of(value), &number) || number < 1 || number > max)
        return error_set(error, FAULT_CONFIG_INVALID, "%s must be from 1 to %lld", option,
                         (long long)max);
    *ret_number = number;
    return true;
}

bool command_partition(const char *value, int32_t *ret_partition, struct error *error)
{
    int64_t number;

    if (!text_to_integer(text_of(value), &number) || number < 0 || number >= PARTITION_MAX)
        return error_set(error, FAULT_CONFIG_INVALID, "--partition must be from 0 to %d",
                         PARTITION_MAX - 1);
    *ret_partition = (int32_t)number;
    return true;
}

bool command_foreign_topic(const char *topic, struct error *error)
{
    if (context_of_topic(topic) != NULL)
        return error_set(error, FAULT_CONFIG_INVALID,
                         "%s belongs to a context: only its owner appends to it", topic);
    for (size_t i = 0; i < CONTEXT_COUNT; i++)
        if (strcmp(contexts[i].public_topic, topic) == 0)
            return error_set(error, FAULT_CONFIG_INVALID,
                             "%s belongs to a relay: only that appends to it", topic);
    return true;
}
