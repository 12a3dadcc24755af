/* sijangctl completion: what a shell needs to finish words, out of the list of commands itself. */
#include "ctl/command.h"

#include "lib/core/text.h"
#include "schemas/contexts.h"
#include <stdio.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz-"

static const struct config_entry settings[] = {{0}};

/* The --words of a usage line, the names of contexts where it has one, and a word that is meant as
 * it stands. */
static void print_options(const char *arguments)
{
    (void)printf(" %.*s", (int)strspn(arguments, LETTERS), arguments);
    for (const char *at = arguments; (at = strstr(at, "--")) != NULL;) {
        size_t size = 2 + strspn(at + 2, LETTERS);
        struct text option = {.bytes = at, .size = size};
        const char *before = strstr(arguments, "--");
        while (before != at && !text_equal((struct text){before, size}, option))
            before = strstr(before + 2, "--");
        if (before == at)
            (void)printf(" %.*s", (int)size, at);
        at += size;
    }
    for (size_t i = 0; strstr(arguments, "CONTEXT") != NULL && i < CONTEXT_COUNT; i++)
        (void)printf(" %s", contexts[i].name);
}

/* The second words of commands that begin with this one. */
static void print_followers(const char *word)
{
    for (const struct command *const *command = commands; *command != NULL; command++)
        if (strcmp((*command)->words[0], word) == 0 && (*command)->words[1] != NULL)
            (void)printf(" %s", (*command)->words[1]);
}

static bool is_first_of_its_word(const struct command *const *command)
{
    for (const struct command *const *other = commands; other != command; other++)
        if (strcmp((*other)->words[0], (*command)->words[0]) == 0)
            return false;
    return true;
}

static void print_cases(void)
{
    for (const struct command *const *command = commands; *command != NULL; command++) {
        if ((*command)->words[1] == NULL)
            continue;
        (void)printf("    \"%s %s \"*) words=\"--help", (*command)->words[0], (*command)->words[1]);
        print_options((*command)->arguments);
        (void)printf("\" ;;\n");
    }
    for (const struct command *const *command = commands; *command != NULL; command++) {
        if (!is_first_of_its_word(command))
            continue;
        (void)printf("    \"%s \"*) words=\"--help", (*command)->words[0]);
        print_followers((*command)->words[0]);
        for (const struct command *const *same = commands; *same != NULL; same++)
            if (strcmp((*same)->words[0], (*command)->words[0]) == 0 && (*same)->words[1] == NULL)
                print_options((*same)->arguments);
        (void)printf("\" ;;\n");
    }
}

static void print_bash(void)
{
    (void)printf("_sijangctl() {\n"
                 "  local before=\"${COMP_WORDS[*]:1:COMP_CWORD-1} \" words\n"
                 "  case \"$before\" in\n");
    print_cases();
    (void)printf("    *) words=\"--help");
    for (const struct command *const *command = commands; *command != NULL; command++)
        if (is_first_of_its_word(command))
            (void)printf(" %s", (*command)->words[0]);
    (void)printf("\" ;;\n"
                 "  esac\n"
                 "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
                 "\"${COMP_WORDS[COMP_CWORD]}\")\n"
                 "}\n"
                 "complete -F _sijangctl sijangctl\n");
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    if (argc != 2 || strcmp(argv[1], "bash") != 0) {
        error_set(error, FAULT_CONFIG_INVALID, "bash is the shell it knows, try --help");
        return COMMAND_MISUSED;
    }
    print_bash();
    return COMMAND_DONE;
}

const struct command completion = {
    .words = {"completion"},
    .arguments = "bash",
    .help = "  Prints what makes bash complete commands and options.\n"
            "\n"
            "  Example: source <(sijangctl completion bash)\n",
    .settings = settings,
    .run = run,
};
