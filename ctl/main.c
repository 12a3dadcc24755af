/* sijangctl: the operator's tool. Finds the command its first words name, answers --help, and turns
 * the outcome into an exit code. */
#include "ctl/command.h"

#include <stdio.h>
#include <string.h>

const struct command *const commands[] = {
    &completion,
    &copy,
    &diff,
    &history,
    &lag,
    &migrate,
    &parked_discard,
    &parked_list,
    &parked_retry,
    &produce_test,
    &reactions_discard,
    &reactions_list,
    &reactions_retry,
    &repair,
    &seek,
    &tail,
    &token,
    &topics_create,
    &topics_list,
    &verify_log,
    &verify_views,
    &views_plan,
    &views_rebuild,
    &views_progress,
    &views_pause,
    &views_resume,
    &views_throttle,
    &views_verify,
    &views_swap,
    &views_rollback,
    &views_drop,
    &views_audit,
    &views, /* behind those that begin with the same word, as topics_list is */
    &why,
    NULL,
};

/* How many of argv's words name the command; 0: they do not. */
static int match(const struct command *command, int argc, char **argv)
{
    int count = 0;
    for (; command->words[count] != NULL; count++)
        if (count >= argc || strcmp(command->words[count], argv[count]) != 0)
            return 0;
    return count;
}

static void print_name(const struct command *command, FILE *out)
{
    (void)fprintf(out, "sijangctl");
    for (const char *const *word = command->words; *word != NULL; word++)
        (void)fprintf(out, " %s", *word);
}

static void print_commands(FILE *out)
{
    (void)fprintf(out, "Usage: sijangctl COMMAND [--help]\n\nCommands:\n");
    for (const struct command *const *command = commands; *command != NULL; command++) {
        (void)fprintf(out, "  ");
        print_name(*command, out);
        (void)fprintf(out, "%s%s\n", (*command)->arguments[0] != '\0' ? " " : "",
                      (*command)->arguments);
    }
    (void)fprintf(out, "\nExit codes: 0 done, 1 failed, 2 wrong arguments or settings.\n");
}

static bool asks_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct error error = {0};

    if (asks_help(argc, argv)) {
        (void)printf("Usage: ");
        print_name(command, stdout);
        (void)printf("%s%s\n\n%s", command->arguments[0] != '\0' ? " " : "", command->arguments,
                     command->help);
        settings_print(command->settings);
        (void)printf("\nExit codes: 0 done, 1 failed, 2 wrong arguments or settings.\n");
        return COMMAND_DONE;
    }
    enum command_exit outcome = command->run(argc, argv, &error);
    if (outcome != COMMAND_DONE) {
        bool coded = error.fault != FAULT_NONE && error.fault != FAULT_CONFIG_INVALID;
        print_name(command, stderr);
        (void)fprintf(stderr, ": %s%s%s%s\n", error.detail, coded ? " (" : "",
                      coded ? fault_entry(error.fault)->code : "", coded ? ")" : "");
    }
    return (int)outcome;
}

/* The words that may follow what was right of argv, or all commands. */
static void print_misuse(int argc, char **argv)
{
    bool begun = false;

    for (const struct command *const *command = commands; argc > 0 && *command != NULL; command++) {
        if (strcmp((*command)->words[0], argv[0]) != 0)
            continue;
        if (!begun)
            (void)fprintf(stderr, "sijangctl %s: it goes on with one of:", argv[0]);
        begun = true;
        (void)fprintf(stderr, " %s", (*command)->words[1]);
    }
    if (begun)
        (void)fprintf(stderr, "\n");
    else if (argc > 0)
        (void)fprintf(stderr, "sijangctl: there is no command %s, try --help\n", argv[0]);
    else
        print_commands(stderr);
}

int main(int argc, char **argv)
{
    for (const struct command *const *command = commands; *command != NULL; command++) {
        int words = match(*command, argc - 1, argv + 1);
        if (words > 0)
            return run(*command, argc - words, argv + words);
    }
    if (asks_help(argc, argv) || (argc == 2 && strcmp(argv[1], "help") == 0)) {
        print_commands(stdout);
        return COMMAND_DONE;
    }
    print_misuse(argc - 1, argv + 1);
    return COMMAND_MISUSED;
}
