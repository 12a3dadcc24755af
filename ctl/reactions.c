/* sijangctl reactions: what operators do about events that a reaction has parked. Any process of
 * the context lists them; an order goes to the owners of their partitions, each by its address. */
#include "ctl/operator_call.h"

#include "lib/core/buffer.h"
#include "lib/record/json.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ARENA_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define BODY_BYTES_MAX  ((size_t)1024 * 1024)
#define OWNERS_MAX      1024
#define PAGES_MAX       1000

static const struct config_entry settings[] = {
    {"SIJANG_COMMAND_URL", CONFIG_TEXT, offsetof(struct operator_settings, url),
     "http://127.0.0.1:8081", 1, 300, "Of any command-svc of the context, or of the gateway."},
    OPERATOR_TOKEN_SETTINGS,
    {0},
};

struct wish {
    struct operator_settings settings;
    const char *context, *reaction, *sender; /* sender may be NULL */
    int64_t version;                         /* 0: none given */
    struct operator_given given;
    bool discard;
    struct arena arena;
};

/* the list, as command-svc writes it */

struct item {
    int64_t partition;
    struct text owner, type, id, step, reason;
    int64_t version;
};

static const struct field item_fields[] = {
    {FIELD_AT(item, partition), .kind = FIELD_INTEGER},
    {FIELD_AT(item, owner), .kind = FIELD_TEXT, .optional = true},
    {FIELD_AT(item, type), .kind = FIELD_TEXT},
    {FIELD_AT(item, id), .kind = FIELD_TEXT},
    {FIELD_AT(item, version), .kind = FIELD_INTEGER},
    {FIELD_AT(item, step), .kind = FIELD_TEXT},
    {FIELD_AT(item, reason), .kind = FIELD_TEXT},
};

static const struct record item_record = {
    .name = "ParkedItem",
    .size = sizeof(struct item),
    .fields = item_fields,
    .field_count = COUNT_OF(item_fields),
};

struct page {
    struct text context, reaction;
    struct list items;
    bool more;
    struct text next;
};

static const struct field page_fields[] = {
    {FIELD_AT(page, context), .kind = FIELD_TEXT},
    {FIELD_AT(page, reaction), .kind = FIELD_TEXT},
    {FIELD_AT(page, items), .kind = FIELD_LIST, .of = &item_record},
    {FIELD_AT(page, more), .kind = FIELD_BOOLEAN},
    {FIELD_AT(page, next), .kind = FIELD_TEXT, .optional = true},
};

static const struct record page_record = {
    .name = "ParkedPage",
    .size = sizeof(struct page),
    .fields = page_fields,
    .field_count = COUNT_OF(page_fields),
};

static bool ask(struct wish *wish, struct operator_call *call, struct text *ret_answer,
                struct error *error)
{
    call->settings = &wish->settings;
    call->who = wish->given.who;
    call->arena = &wish->arena;
    return operator_ask(call, ret_answer, error);
}

static bool ask_page(struct wish *wish, struct text from, struct text *ret_answer,
                     struct error *error)
{
    struct operator_call call = {
        .method = "GET",
        .url = arena_print(&wish->arena, "%s/v1/reactions/%s/%s/parked%s%.*s", wish->settings.url,
                           wish->context, wish->reaction, from.size > 0 ? "?from=" : "",
                           TEXT_ARGS(from)),
    };

    return ask(wish, &call, ret_answer, error);
}

static bool read_page(struct wish *wish, struct text from, struct page *ret_page,
                      struct error *error)
{
    struct json_reading reading = {.arena = &wish->arena};
    struct text answer;

    if (!ask_page(wish, from, &answer, error))
        return false;
    if (json_read(&page_record, answer, &reading, ret_page) != JSON_OK ||
        (ret_page->more && ret_page->next.bytes == NULL))
        return error_set(error, FAULT_DATA_CORRUPT, "%s answers something else",
                         wish->settings.url);
    return true;
}

/* the order */

struct owners {
    struct text addresses[OWNERS_MAX];
    size_t count;
    int64_t events; /* that are meant */
};

static bool note_owner(struct owners *owners, const struct item *item, struct error *error)
{
    owners->events++;
    if (item->owner.bytes == NULL)
        return error_set(error, FAULT_NOT_READY, "nobody serves partition %lld now: try again",
                         (long long)item->partition);
    for (size_t i = 0; i < owners->count; i++)
        if (text_equal(owners->addresses[i], item->owner))
            return true;
    if (owners->count == OWNERS_MAX)
        return error_set(error, FAULT_LIMIT_EXCEEDED, "more than %d owners", OWNERS_MAX);
    owners->addresses[owners->count++] = item->owner;
    return true;
}

static bool is_meant(const struct wish *wish, const struct item *item)
{
    return (wish->sender == NULL || text_is(item->id, wish->sender)) &&
           (wish->version == 0 || item->version == wish->version);
}

static bool find_owners(struct wish *wish, struct owners *owners, struct error *error)
{
    struct page page = {.more = true};
    struct text from = {.bytes = NULL};

    for (int pages = 0; page.more && pages < PAGES_MAX; pages++) {
        if (!read_page(wish, from, &page, error))
            return false;
        const struct item *items = page.items.items;
        for (size_t i = 0; i < page.items.count; i++)
            if (is_meant(wish, &items[i]) && !note_owner(owners, &items[i], error))
                return false;
        from = page.next;
    }
    return true;
}

static bool write_order(struct wish *wish, struct text *ret_body)
{
    struct buffer CLEANUP(buffer_done) out;

    buffer_init(&out, BODY_BYTES_MAX);
    buffer_print(&out, "{\"discard\":%s,\"reason\":", wish->discard ? "true" : "false");
    buffer_put_json_string(&out, text_of(wish->given.reason));
    if (wish->sender != NULL) {
        buffer_put_string(&out, ",\"sender\":");
        buffer_put_json_string(&out, text_of(wish->sender));
    }
    if (wish->version > 0)
        buffer_print(&out, ",\"version\":%lld", (long long)wish->version);
    buffer_put_byte(&out, '}');
    *ret_body = arena_copy_text(&wish->arena, buffer_text(&out));
    return !out.failed && ret_body->bytes != NULL;
}

static bool tell(struct wish *wish, struct text owner, struct text body, struct error *error)
{
    struct text answer;
    struct operator_call call = {
        .method = "POST",
        .url = arena_print(&wish->arena, "http://%.*s/v1/reactions/%s/%s/release", TEXT_ARGS(owner),
                           wish->context, wish->reaction),
        .body = body,
    };

    return ask(wish, &call, &answer, error) || error_add(error, "owner %.*s", TEXT_ARGS(owner));
}

static enum command_exit order(struct wish *wish, struct error *error)
{
    struct owners *owners = arena_alloc_zeroed(&wish->arena, sizeof(*owners));
    struct text body;

    if (owners == NULL || !write_order(wish, &body)) {
        error_set(error, FAULT_OUT_OF_MEMORY, "an order");
        return COMMAND_FAILED;
    }
    if (!find_owners(wish, owners, error))
        return COMMAND_FAILED;
    if (owners->events == 0) {
        error_set(error, FAULT_CONFIG_INVALID, "nothing of that is parked");
        return COMMAND_FAILED;
    }
    for (size_t i = 0; i < owners->count; i++)
        if (!tell(wish, owners->addresses[i], body, error))
            return COMMAND_FAILED;
    (void)printf("%lld parked events, ordered of %zu processes. What stays is listed by:"
                 " sijangctl reactions list %s %s\n",
                 (long long)owners->events, owners->count, wish->context, wish->reaction);
    return COMMAND_DONE;
}

/* arguments */

static enum command_exit misused(struct error *error, const char *what)
{
    error_set(error, FAULT_CONFIG_INVALID, "%s, try --help", what);
    return COMMAND_MISUSED;
}

static enum command_exit read_options(int argc, char **argv, struct wish *wish, struct error *error)
{
    static const struct option options[] = {
        {"reason", required_argument, NULL, 'r'},
        {"as", required_argument, NULL, 'a'},
        {"from", required_argument, NULL, 'f'},
        {0},
    };
    enum command_exit read = operator_options(argc, argv, options, &wish->given, error);

    if (read != COMMAND_DONE)
        return read;
    for (int i = optind; i < argc; i++)
        if (!operator_word_is_plain(argv[i]))
            return misused(error, "there are no such names");
    return config_load(settings, &wish->settings, error) ? COMMAND_DONE : COMMAND_MISUSED;
}

/* CONTEXT REACTION [SENDER [VERSION]], at least and at most so many of them. */
static enum command_exit read_arguments(int argc, char **argv, struct wish *wish, int words_min,
                                        struct error *error)
{
    int words_max = wish->discard ? 4 : words_min + 1;
    enum command_exit read = read_options(argc, argv, wish, error);
    int words = argc - optind;

    if (read != COMMAND_DONE)
        return read;
    if (words < words_min || words > words_max)
        return misused(error, "other arguments are needed");
    wish->context = argv[optind];
    wish->reaction = argv[optind + 1];
    wish->sender = words > 2 ? argv[optind + 2] : NULL;
    if (words > 3 && !command_number("VERSION", argv[optind + 3], INT64_MAX, &wish->version, error))
        return COMMAND_MISUSED;
    return COMMAND_DONE;
}

static enum command_exit list(struct wish *wish, struct error *error)
{
    struct text answer;

    if (wish->sender != NULL || wish->given.reason != NULL)
        return misused(error, "other arguments are needed");
    if (wish->given.from != NULL && strpbrk(wish->given.from, "&?# %") != NULL)
        return misused(error, "--from is the \"next\" of another page");
    if (!ask_page(wish, text_of(wish->given.from), &answer, error))
        return COMMAND_FAILED;
    (void)printf("%.*s\n", TEXT_ARGS(answer));
    return COMMAND_DONE;
}

static enum command_exit run_list(int argc, char **argv, struct error *error)
{
    struct wish wish = {.discard = false};

    arena_init(&wish.arena, ARENA_BYTES_MAX);
    enum command_exit outcome = read_arguments(argc, argv, &wish, 2, error);
    if (outcome == COMMAND_DONE)
        outcome = list(&wish, error);
    arena_done(&wish.arena);
    return outcome;
}

static enum command_exit run_order(int argc, char **argv, bool discard, struct error *error)
{
    struct wish wish = {.discard = discard};

    arena_init(&wish.arena, ARENA_BYTES_MAX);
    enum command_exit outcome = read_arguments(argc, argv, &wish, discard ? 4 : 2, error);
    if (outcome == COMMAND_DONE && wish.given.from != NULL)
        outcome = misused(error, "--from is for lists");
    if (outcome == COMMAND_DONE && wish.given.reason == NULL)
        outcome = misused(error, "a --reason is needed");
    if (outcome == COMMAND_DONE)
        outcome = order(&wish, error);
    arena_done(&wish.arena);
    return outcome;
}

static enum command_exit run_retry(int argc, char **argv, struct error *error)
{
    return run_order(argc, argv, false, error);
}

static enum command_exit run_discard(int argc, char **argv, struct error *error)
{
    return run_order(argc, argv, true, error);
}

const struct command reactions_list = {
    .words = {"reactions", "list"},
    .arguments = "CONTEXT REACTION [--from NEXT] [--as NAME]",
    .help = "  Lists events that a reaction has parked, 100 at a time: the sender (type, id), the\n"
            "  version of its event, which step cannot go on and why, and the owner's address.\n"
            "  While there are more, \"next\" says where the next page begins.\n"
            "\n"
            "  Example: sijangctl reactions list orders carry_order\n",
    .settings = settings,
    .run = run_list,
};

const struct command reactions_retry = {
    .words = {"reactions", "retry"},
    .arguments = "CONTEXT REACTION [SENDER] --reason TEXT [--as NAME]",
    .help =
        "  Has the parked events of a sender, or of all, tried again in order. Up to 256 of each\n"
        "  partition are taken at once; what fails again stays parked, and what is behind it.\n"
        "  The owners' own addresses must be reachable from here.\n"
        "\n"
        "  Example: sijangctl reactions retry orders carry_order --reason 'mended in 1.4'\n",
    .settings = settings,
    .run = run_retry,
};

const struct command reactions_discard = {
    .words = {"reactions", "discard"},
    .arguments = "CONTEXT REACTION SENDER VERSION --reason TEXT [--as NAME]",
    .help =
        "  Gives one parked event up, for ever: its steps are not asked for again. What is behind\n"
        "  it stays parked until it is retried. A release record has NAME and TEXT.\n"
        "\n"
        "  Example: sijangctl reactions discard orders carry_order ID 4 --reason 'paid by hand'\n",
    .settings = settings,
    .run = run_discard,
};
