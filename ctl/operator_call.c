/* One exchange, as an admin. */
#include "ctl/operator_call.h"

#include "lib/core/clock.h"
#include "lib/web/auth.h"
#include "lib/web/client.h"
#include "schemas/roles.h"
#include <stdio.h>
#include <string.h>

#define ANSWER_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define TIMEOUT_US       INT64_C(60000000)
#define TOKEN_LIFETIME_S 300

struct outcome {
    struct arena *arena;
    bool answered;
    int status;
    struct text answer;
};

static void take_answer(struct web_exchange *exchange)
{
    struct outcome *outcome = exchange->user;

    outcome->answered = exchange->outcome == EXCHANGE_ANSWERED;
    outcome->status = exchange->status;
    if (outcome->answered)
        outcome->answer = arena_copy_text(outcome->arena, exchange->answer);
}

static const char *sign(const struct operator_call *call, struct error *error)
{
    const struct operator_settings *given = call->settings;
    const struct web_auth_options options = {given->secret.reveal, given->issuer, role_names,
                                             .remembered_max = 1};
    const char *signature =
        web_token_sign(&options, call->who, ROLE_ADMIN, TOKEN_LIFETIME_S, call->arena, error);
    if (signature == NULL)
        return NULL;
    const char *header = arena_print(call->arena, "Bearer %s", signature);
    if (header == NULL)
        error_set(error, FAULT_OUT_OF_MEMORY, "a token");
    return header;
}

static bool exchange(struct web_client *client, struct web_exchange *wanted, struct error *error)
{
    const struct outcome *outcome = wanted->user;

    if (!web_client_send(client, wanted, error))
        return false;
    while (web_client_turn(client) == 0)
        web_client_wait(client, 1000);
    if (outcome->answered)
        return true;
    *error = wanted->error;
    return false;
}

static bool ask(const struct operator_call *call, struct outcome *outcome, struct error *error)
{
    const struct web_client_options options = {1, 1, ANSWER_BYTES_MAX, 2000};
    const char *bearer = sign(call, error);
    if (bearer == NULL)
        return false;
    const struct web_exchange_header headers[] = {
        {"Authorization", bearer}, {"Content-Type", "application/json"}, {NULL, NULL}};
    struct web_exchange wanted = {
        .method = call->method,
        .url = call->url,
        .headers = headers,
        .body = call->body,
        .deadline_boot_us = clock_boot_us() + TIMEOUT_US,
        .done = take_answer,
        .user = outcome,
    };
    struct web_client *client = web_client_create(&options, error);
    bool fine = client != NULL && exchange(client, &wanted, error);
    web_client_destroy(client);
    if (fine && outcome->answer.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "an answer");
    return fine;
}

bool operator_ask(const struct operator_call *call, struct text *ret_answer, struct error *error)
{
    struct outcome outcome = {.arena = call->arena};

    if (call->url == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "an address");
    if (!ask(call, &outcome, error))
        return false;
    *ret_answer = outcome.answer;
    if (outcome.status / 100 == 2)
        return true;
    (void)printf("%.*s\n", TEXT_ARGS(outcome.answer));
    return error_set(error, FAULT_CONFIG_INVALID, "refused with %d", outcome.status);
}

enum command_exit operator_options(int argc, char **argv, const struct option *options,
                                   struct operator_given *ret_given, struct error *error)
{
    int found;

    opterr = 0;
    *ret_given = (struct operator_given){.who = "sijangctl"};
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (found) {
        case 'a': ret_given->who = optarg; break;
        case 'r': ret_given->reason = optarg; break;
        case 'f': ret_given->from = optarg; break;
        default: return command_misused(argv, error);
        }
    }
    return COMMAND_DONE;
}

bool operator_word_is_plain(const char *word)
{
    return word[0] != '\0' && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                           "0123456789._~-:") == strlen(word);
}
