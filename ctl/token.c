/* sijangctl token: a signed bearer token for people who try things out, and for scripts. */
#include "ctl/command.h"

#include "lib/core/arena.h"
#include "lib/core/id.h"
#include "lib/web/auth.h"
#include "schemas/roles.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ARENA_BYTES_MAX ((size_t)64 * 1024)
#define HOURS_INITIAL   12
#define HOURS_MAX       (24 * 366)
#define NAME_SIZE_MAX   200

/* 8b58f1a2-7dcd-47f8-ab41-762821b4a3a9: the same name is the same subject for ever. */
static const struct uuid subject_names = {
    {0x8b, 0x58, 0xf1, 0xa2, 0x7d, 0xcd, 0x47, 0xf8, 0xab, 0x41, 0x76, 0x28, 0x21, 0xb4, 0xa3,
     0xa9},
};

struct token_settings {
    struct secret secret;
    const char *issuer;
};

static const struct config_entry settings[] = {
    {"SIJANG_TOKEN_SECRET", CONFIG_SECRET, offsetof(struct token_settings, secret), NULL, 32, 1000,
     "Signs bearer tokens; the services' own."},
    {"SIJANG_TOKEN_ISSUER", CONFIG_TEXT, offsetof(struct token_settings, issuer), "sijang", 1, 100,
     "Who issues tokens."},
    {0},
};

struct token_wish {
    const char *name;
    unsigned roles;
    int64_t hours;
};

static bool add_role(const char *name, unsigned *roles, struct error *error)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        if (strcmp(role_names[i], name) == 0) {
            *roles |= 1u << i;
            return true;
        }
    }
    return error_set(error, FAULT_CONFIG_INVALID, "there is no role %s", name);
}

static enum command_exit read_arguments(int argc, char **argv, struct token_wish *ret_wish,
                                        struct error *error)
{
    static const struct option options[] = {
        {"role", required_argument, NULL, 'r'},
        {"hours", required_argument, NULL, 'h'},
        {0},
    };
    struct token_wish wish = {.hours = HOURS_INITIAL};
    int found;

    opterr = 0;
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1) {
        bool fine = found == 'r' ? add_role(optarg, &wish.roles, error)
                    : found == 'h'
                        ? command_number("--hours", optarg, HOURS_MAX, &wish.hours, error)
                        : command_misused(argv, error) == COMMAND_DONE;
        if (!fine)
            return COMMAND_MISUSED;
    }
    if (optind + 1 != argc || argv[optind][0] == '\0' || strlen(argv[optind]) > NAME_SIZE_MAX) {
        error_set(error, FAULT_CONFIG_INVALID, "one NAME is needed, try --help");
        return COMMAND_MISUSED;
    }
    if (wish.roles == 0) {
        error_set(error, FAULT_CONFIG_INVALID, "at least one --role is needed, try --help");
        return COMMAND_MISUSED;
    }
    wish.name = argv[optind];
    *ret_wish = wish;
    return COMMAND_DONE;
}

static void subject_of(const char *name, char ret_subject[static UUID_TEXT_SIZE])
{
    struct uuid uuid;
    if (!uuid_parse(text_of(name), &uuid))
        uuid = uuid_v5(&subject_names, name, strlen(name));
    uuid_format(&uuid, ret_subject);
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct token_settings given;
    struct token_wish wish;
    char subject[UUID_TEXT_SIZE];

    enum command_exit outcome = read_arguments(argc, argv, &wish, error);
    if (outcome != COMMAND_DONE)
        return outcome;
    if (!config_load(settings, &given, error))
        return COMMAND_MISUSED;
    const struct web_auth_options options = {
        .secret = given.secret.reveal,
        .issuer = given.issuer,
        .role_names = role_names,
        .remembered_max = 1,
    };
    struct arena CLEANUP(arena_done) arena;
    arena_init(&arena, ARENA_BYTES_MAX);
    subject_of(wish.name, subject);
    const char *signature =
        web_token_sign(&options, subject, wish.roles, wish.hours * 3600, &arena, error);
    if (signature == NULL)
        return COMMAND_FAILED;
    (void)printf("%s\n", signature);
    return COMMAND_DONE;
}

const struct command token = {
    .words = {"token"},
    .arguments = "NAME --role ROLE [--role ROLE ...] [--hours N]",
    .help =
        "  Prints a signed bearer token. A NAME that is a UUID is the subject itself; any other\n"
        "  name stands for a UUID made from it, the same one every time.\n"
        "\n"
        "  --role ROLE  one of schemas/roles.def, such as customer or admin\n"
        "  --hours N    until it expires; 12 unless given\n"
        "\n"
        "  Example: sijangctl token alice --role seller --hours 1\n",
    .settings = settings,
    .run = run,
};
