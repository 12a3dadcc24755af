/* The command line every program has: --help, --check, --version. Everything else is the
 * environment's. */
#include "lib/core/config.h"

#include "lib/core/config_entry.h"

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
                  "Usage: %s [--help | --check | --version]\n\n"
                  "  --help     this text\n"
                  "  --check    read the configuration, print it and say whether it is valid\n"
                  "  --version  print the version\n\n"
                  "Environment:\n",
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

static bool load_and_tell(const struct config_entry *table, void *config, const char *program,
                          bool print_values)
{
    bool valid = true;
    for (const struct config_entry *entry = table; entry->name != NULL; entry++) {
        struct error error;
        if (config_load_entry(entry, config, &error)) {
            if (print_values)
                print_entry_value(entry, config);
            continue;
        }
        (void)fprintf(stderr, "%s: %s\n", program, error.detail);
        valid = false;
    }
    return valid;
}

enum config_outcome config_from_main(int argc, char **argv, const char *program,
                                     const struct config_entry *table, void *config)
{
    if (argc <= 1)
        return load_and_tell(table, config, program, false) ? CONFIG_RUN : CONFIG_EXIT_FAILED;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        config_print_help(table, program, stdout);
        return CONFIG_EXIT_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)printf("%s %s\n", program, SIJANG_VERSION);
        return CONFIG_EXIT_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--check") == 0)
        return load_and_tell(table, config, program, true) ? CONFIG_EXIT_OK : CONFIG_EXIT_FAILED;
    (void)fprintf(stderr, "%s: unknown argument %s, try --help\n", program,
                  argv[argc == 2 ? 1 : 2]);
    return CONFIG_EXIT_FAILED;
}
