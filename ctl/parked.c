/* sijangctl parked: what operators do about parked events, over the projector's own paths, so that
 * only the code that keeps a view changes its rows. */
#include "ctl/command.h"

#include "lib/core/arena.h"
#include "lib/core/clock.h"
#include "lib/web/auth.h"
#include "lib/web/client.h"
#include "schemas/roles.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ARENA_BYTES_MAX  ((size_t)1024 * 1024)
#define ANSWER_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define TIMEOUT_US       INT64_C(60000000)
#define TOKEN_LIFETIME_S 300

struct parked_settings {
    const char *url;
    struct secret secret;
    const char *issuer;
};

static const struct config_entry settings[] = {
    {"SIJANG_PROJECTOR_URL", CONFIG_TEXT, offsetof(struct parked_settings, url),
     "http://127.0.0.1:8083", 1, 300, "Of any projector, or of the gateway."},
    {"SIJANG_TOKEN_SECRET", CONFIG_SECRET, offsetof(struct parked_settings, secret), NULL, 32, 1000,
     "Signs bearer tokens; the services' own."},
    {"SIJANG_TOKEN_ISSUER", CONFIG_TEXT, offsetof(struct parked_settings, issuer), "sijang", 1, 100,
     "Who issues tokens."},
    {0},
};

struct wish {
    const char *method;
    const char *path;
    const char *reason; /* NULL: no body */
    const char *who;
    struct arena *arena;
};

struct outcome {
    bool answered;
    int status;
};

static void take_answer(struct web_exchange *exchange)
{
    struct outcome *outcome = exchange->user;
    outcome->answered = exchange->outcome == EXCHANGE_ANSWERED;
    outcome->status = exchange->status;
    if (outcome->answered)
        (void)printf("%.*s\n", TEXT_ARGS(exchange->answer));
}

static const char *sign(const struct parked_settings *given, const struct wish *wish,
                        struct error *error)
{
    const struct web_auth_options options = {given->secret.reveal, given->issuer, role_names,
                                             .remembered_max = 1};
    const char *signature =
        web_token_sign(&options, wish->who, ROLE_ADMIN, TOKEN_LIFETIME_S, wish->arena, error);
    if (signature == NULL)
        return NULL;
    const char *header = arena_print(wish->arena, "Bearer %s", signature);
    if (header == NULL)
        error_set(error, FAULT_OUT_OF_MEMORY, "a token");
    return header;
}

static bool write_body(const struct wish *wish, struct text *ret_body)
{
    struct buffer CLEANUP(buffer_done) out;
    buffer_init(&out, ARENA_BYTES_MAX);
    if (wish->reason != NULL) {
        buffer_put_string(&out, "{\"reason\":");
        buffer_put_json_string(&out, text_of(wish->reason));
        buffer_put_string(&out, "}");
    }
    *ret_body = arena_copy_text(wish->arena, buffer_text(&out));
    return !out.failed && ret_body->bytes != NULL;
}

static bool exchange(struct web_client *client, struct web_exchange *wanted,
                     struct outcome *ret_outcome, struct error *error)
{
    *ret_outcome = (struct outcome){0};
    wanted->user = ret_outcome;
    if (!web_client_send(client, wanted, error))
        return false;
    while (web_client_turn(client) == 0)
        web_client_wait(client, 1000);
    if (ret_outcome->answered)
        return true;
    *error = wanted->error;
    return false;
}

static enum command_exit ask(const struct wish *wish, struct error *error)
{
    const struct web_client_options options = {1, 1, ANSWER_BYTES_MAX, 2000};
    struct parked_settings given;
    struct outcome outcome;
    struct text body;
    if (!config_load(settings, &given, error))
        return COMMAND_MISUSED;
    const char *bearer = sign(&given, wish, error);
    const char *url = arena_print(wish->arena, "%s%s", given.url, wish->path);
    if (bearer == NULL || url == NULL || !write_body(wish, &body))
        return COMMAND_FAILED;
    const struct web_exchange_header headers[] = {
        {"Authorization", bearer}, {"Content-Type", "application/json"}, {NULL, NULL}};
    struct web_exchange wanted = {
        .method = wish->method,
        .url = url,
        .headers = headers,
        .body = body,
        .deadline_boot_us = clock_boot_us() + TIMEOUT_US,
        .done = take_answer,
    };
    struct web_client *client = web_client_create(&options, error);
    bool fine = client != NULL && exchange(client, &wanted, &outcome, error);
    client = web_client_destroy(client);
    if (!fine)
        return COMMAND_FAILED;
    if (outcome.status / 100 == 2)
        return COMMAND_DONE;
    error_set(error, FAULT_CONFIG_INVALID, "refused with %d", outcome.status);
    return COMMAND_FAILED;
}

/* Views and keys as they are in paths: nothing there needs escaping. */
static bool is_plain(const char *word)
{
    return word[0] != '\0' && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                           "0123456789._~-:") == strlen(word);
}

static enum command_exit read_arguments(int argc, char **argv, struct wish *wish,
                                        struct error *error)
{
    static const struct option options[] = {
        {"reason", required_argument, NULL, 'r'},
        {"as", required_argument, NULL, 'a'},
        {0},
    };
    int found;
    opterr = 0;
    wish->who = "sijangctl";
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (found == 'r')
            wish->reason = optarg;
        else if (found == 'a')
            wish->who = optarg;
        else
            return command_misused(argv, error);
    }
    for (int i = optind; i < argc; i++)
        if (!is_plain(argv[i])) {
            error_set(error, FAULT_CONFIG_INVALID, "%s is no view and no key", argv[i]);
            return COMMAND_MISUSED;
        }
    return COMMAND_DONE;
}

static enum command_exit misused(struct error *error)
{
    error_set(error, FAULT_CONFIG_INVALID, "other arguments are needed, try --help");
    return COMMAND_MISUSED;
}

static enum command_exit run_list(int argc, char **argv, struct error *error)
{
    struct arena CLEANUP(arena_done) arena;
    struct wish wish = {.method = "GET", .arena = &arena};
    arena_init(&arena, ARENA_BYTES_MAX);
    enum command_exit read = read_arguments(argc, argv, &wish, error);
    if (read != COMMAND_DONE)
        return read;
    if (argc - optind > 1 || wish.reason != NULL)
        return misused(error);
    wish.path =
        optind == argc ? "/v1/parked" : arena_print(&arena, "/v1/parked?view=%s", argv[optind]);
    return wish.path != NULL ? ask(&wish, error) : COMMAND_FAILED;
}

static enum command_exit run_retry(int argc, char **argv, struct error *error)
{
    struct arena CLEANUP(arena_done) arena;
    struct wish wish = {.method = "POST", .arena = &arena};
    arena_init(&arena, ARENA_BYTES_MAX);
    enum command_exit read = read_arguments(argc, argv, &wish, error);
    if (read != COMMAND_DONE)
        return read;
    if (argc - optind < 1 || argc - optind > 2 || wish.reason != NULL)
        return misused(error);
    wish.path = argc - optind == 1
                    ? arena_print(&arena, "/v1/parked/%s/retry", argv[optind])
                    : arena_print(&arena, "/v1/parked/%s/%s/retry", argv[optind], argv[optind + 1]);
    return wish.path != NULL ? ask(&wish, error) : COMMAND_FAILED;
}

static enum command_exit run_discard(int argc, char **argv, struct error *error)
{
    struct arena CLEANUP(arena_done) arena;
    struct wish wish = {.method = "POST", .arena = &arena};
    arena_init(&arena, ARENA_BYTES_MAX);
    enum command_exit read = read_arguments(argc, argv, &wish, error);
    if (read != COMMAND_DONE)
        return read;
    if (argc - optind != 2 || wish.reason == NULL)
        return misused(error);
    wish.path = arena_print(&arena, "/v1/parked/%s/%s/discard", argv[optind], argv[optind + 1]);
    return wish.path != NULL ? ask(&wish, error) : COMMAND_FAILED;
}

const struct command parked_list = {
    .words = {"parked", "list"},
    .arguments = "[VIEW] [--as NAME]",
    .help = "  Lists what is parked: the first event of each row, and how many wait.\n"
            "\n"
            "  Example: sijangctl parked list product_list\n",
    .settings = settings,
    .run = run_list,
};

const struct command parked_retry = {
    .words = {"parked", "retry"},
    .arguments = "VIEW [KEY] [--as NAME]",
    .help = "  Applies the parked events of a row, or of all rows of a view, in order, up to what\n"
            "  still cannot be applied. NAME goes into the audit.\n"
            "\n"
            "  Example: sijangctl parked retry product_list --as ops-1\n",
    .settings = settings,
    .run = run_retry,
};

const struct command parked_discard = {
    .words = {"parked", "discard"},
    .arguments = "VIEW KEY --reason TEXT [--as NAME]",
    .help = "  Discards the first parked event of a row, for ever and for every revision of the\n"
            "  view, then applies those behind it.\n"
            "\n"
            "  Example: sijangctl parked discard product_list KEY --reason 'a broken import'\n",
    .settings = settings,
    .run = run_discard,
};
