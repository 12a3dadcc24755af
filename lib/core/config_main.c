/* The command line every program has: --help, --check, --version, and each row of the table as an
 * option, which then stands for its environment variable. */
#include "lib/core/config.h"

#include "lib/core/config_entry.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void print_entry_help(const struct config_entry *entry, FILE *out)
{
    static const char *const kinds[] = {
        [CONFIG_TEXT] = "text",
        [CONFIG_INTEGER] = "integer",
        [CONFIG_BOOLEAN] = "true or false",
        [CONFIG_SECRET] = "secret text",
    };
    (void)fprintf(out, "  %s\n      %s\n      %s", entry->name, entry->help, kinds[entry->kind]);
    if (entry->min != 0 || entry->max != 0)
        (void)fprintf(out, ", %lld to %lld%s", (long long)entry->min, (long long)entry->max,
                      entry->kind == CONFIG_INTEGER ? "" : " bytes");
    if (entry->initial == NULL)
        (void)fprintf(out, ", must be set\n");
    else
        (void)fprintf(out, ", default %s\n",
                      entry->kind == CONFIG_SECRET ? "***"
                      : entry->initial[0] == '\0'  ? "empty"
                                                   : entry->initial);
}

void config_print_help(const struct config_entry *table, const char *program, FILE *out)
{
    (void)fprintf(out,
                  "Usage: %s [--help | --check | --version] [--OPTION VALUE]...\n\n"
                  "  --help     this text\n"
                  "  --check    read the configuration, print it and say whether it is valid\n"
                  "  --version  print the version\n\n"
                  "Environment; each variable but secrets is an option, too, which wins: what\n"
                  "follows the first _ of its name, as --a-b for PREFIX_A_B:\n",
                  program);
    for (const struct config_entry *entry = table; entry->name != NULL; entry++)
        print_entry_help(entry, out);
}

static void print_entry_value(const struct config_entry *entry, const void *config)
{
    const void *at = (const char *)config + entry->offset;
    switch (entry->kind) {
    case CONFIG_TEXT: (void)printf("%s=%s\n", entry->name, *(const char *const *)at); break;
    case CONFIG_INTEGER:
        (void)printf("%s=%lld\n", entry->name, (long long)*(const int64_t *)at);
        break;
    case CONFIG_BOOLEAN:
        (void)printf("%s=%s\n", entry->name, *(const bool *)at ? "true" : "false");
        break;
    case CONFIG_SECRET: (void)printf("%s=***\n", entry->name); break;
    }
}

static bool load_and_tell(const struct config_program *program, void *config, bool print_values)
{
    struct error error;
    bool valid = true;
    for (const struct config_entry *entry = program->table; entry->name != NULL; entry++) {
        if (config_load_entry(entry, config, &error)) {
            if (print_values)
                print_entry_value(entry, config);
            continue;
        }
        (void)fprintf(stderr, "%s: %s\n", program->name, error.detail);
        valid = false;
    }
    if (!valid || program->check == NULL || program->check(config, &error))
        return valid;
    (void)fprintf(stderr, "%s: %s\n", program->name, error.detail);
    return false;
}

/* What a command line asks for, besides options. */
struct asked {
    bool help, version, check;
};

static bool is_option_of(const struct config_entry *entry, const char *word, size_t size)
{
    const char *name = strchr(entry->name, '_');

    if (name == NULL || strlen(++name) != size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (word[i] != (name[i] == '_' ? '-' : tolower((unsigned char)name[i])))
            return false;
    return true;
}

/* Of `--word value` or `--word=value`. NULL: no such option. Others can read a command line, so
 * that secrets are none. */
static const struct config_entry *find_option(const struct config_entry *table,
                                              const char *argument)
{
    size_t size = strcspn(argument, "=");

    if (strncmp(argument, "--", 2) != 0)
        return NULL;
    for (const struct config_entry *entry = table; entry->name != NULL; entry++)
        if (entry->kind != CONFIG_SECRET && is_option_of(entry, argument + 2, size - 2))
            return entry;
    return NULL;
}

static bool ask(struct asked *asked, const char *argument)
{
    bool help = strcmp(argument, "--help") == 0, version = strcmp(argument, "--version") == 0;
    bool check = strcmp(argument, "--check") == 0;

    asked->help = asked->help || help;
    asked->version = asked->version || version;
    asked->check = asked->check || check;
    return help || version || check;
}

static bool read_arguments(char **argument, const struct config_program *program,
                           struct asked *asked)
{
    for (; *argument != NULL; argument++) {
        const char *word = *argument;
        if (ask(asked, word))
            continue;
        const struct config_entry *entry = find_option(program->table, word);
        if (entry == NULL) {
            (void)fprintf(stderr, "%s: unknown argument %s, try --help\n", program->name, word);
            return false;
        }
        const char *value = strchr(word, '=');
        value = value != NULL ? value + 1 : *++argument;
        if (value == NULL || setenv(entry->name, value, 1) != 0) {
            (void)fprintf(stderr, "%s: %s wants a value\n", program->name, word);
            return false;
        }
    }
    return true;
}

enum config_outcome config_from_main(int argc, char **argv, const struct config_program *program,
                                     void *config)
{
    struct asked asked = {0};

    if (argc > 1 && !read_arguments(argv + 1, program, &asked))
        return CONFIG_EXIT_FAILED;
    if (asked.help) {
        config_print_help(program->table, program->name, stdout);
        return CONFIG_EXIT_OK;
    }
    if (asked.version) {
        (void)printf("%s %s\n", program->name, SIJANG_VERSION);
        return CONFIG_EXIT_OK;
    }
    bool valid = load_and_tell(program, config, asked.check);
    if (!valid)
        return CONFIG_EXIT_FAILED;
    return asked.check ? CONFIG_EXIT_OK : CONFIG_RUN;
}
