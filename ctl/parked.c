/* sijangctl parked: what operators do about parked events, over the projector's own paths, so that
 * only the code that keeps a view changes its rows. */
#include "ctl/operator_call.h"

#include "lib/core/buffer.h"
#include <stddef.h>
#include <stdio.h>

#define ARENA_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define BODY_BYTES_MAX  ((size_t)1024 * 1024)

static const struct config_entry settings[] = {
    {"SIJANG_PROJECTOR_URL", CONFIG_TEXT, offsetof(struct operator_settings, url),
     "http://127.0.0.1:8083", 1, 300, "Of any projector, or of the gateway."},
    OPERATOR_TOKEN_SETTINGS,
    {0},
};

struct wish {
    const char *method;
    const char *path;
    struct operator_given given; /* without a reason there is no body */
    struct arena *arena;
};

static bool write_body(const struct wish *wish, struct text *ret_body)
{
    struct buffer CLEANUP(buffer_done) out;
    buffer_init(&out, BODY_BYTES_MAX);
    if (wish->given.reason != NULL) {
        buffer_put_string(&out, "{\"reason\":");
        buffer_put_json_string(&out, text_of(wish->given.reason));
        buffer_put_string(&out, "}");
    }
    *ret_body = arena_copy_text(wish->arena, buffer_text(&out));
    return !out.failed && ret_body->bytes != NULL;
}

static enum command_exit ask(const struct wish *wish, struct error *error)
{
    struct operator_settings loaded;
    struct text body, answer;
    if (!config_load(settings, &loaded, error))
        return COMMAND_MISUSED;
    if (!write_body(wish, &body)) {
        error_set(error, FAULT_OUT_OF_MEMORY, "a request");
        return COMMAND_FAILED;
    }
    const struct operator_call call = {
        .settings = &loaded,
        .method = wish->method,
        .url = arena_print(wish->arena, "%s%s", loaded.url, wish->path),
        .body = body,
        .who = wish->given.who,
        .arena = wish->arena,
    };
    if (!operator_ask(&call, &answer, error))
        return COMMAND_FAILED;
    (void)printf("%.*s\n", TEXT_ARGS(answer));
    return COMMAND_DONE;
}

static enum command_exit read_arguments(int argc, char **argv, struct wish *wish,
                                        struct error *error)
{
    static const struct option options[] = {
        {"reason", required_argument, NULL, 'r'},
        {"as", required_argument, NULL, 'a'},
        {0},
    };
    enum command_exit read = operator_options(argc, argv, options, &wish->given, error);
    if (read != COMMAND_DONE)
        return read;
    for (int i = optind; i < argc; i++)
        if (!operator_word_is_plain(argv[i])) {
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
    if (argc - optind > 1 || wish.given.reason != NULL)
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
    if (argc - optind < 1 || argc - optind > 2 || wish.given.reason != NULL)
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
    if (argc - optind != 2 || wish.given.reason == NULL)
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
