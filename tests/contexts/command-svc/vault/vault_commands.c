/* The list of vault's commands, aggregates and refusals. */
#include "command-svc/vault/chest.h"
#include "schemas/vault/inputs.h"

extern const struct command open_chest;

static const struct command *const vault_commands[] = {&open_chest, &deposit_coins, NULL};

static const struct aggregate *const vault_aggregates[] = {&chest_aggregate, NULL};

#define REFUSAL(refusal_name, refusal_status, refusal_text)                                        \
    const struct refusal refusal_name = {                                                          \
        .code = #refusal_name, .status = refusal_status, .text = refusal_text};
#include "schemas/vault/refusals.def"
#undef REFUSAL

extern const struct context vault_context;
const struct context vault_context = {
    .name = "vault",
    .commands = vault_commands,
    .aggregates = vault_aggregates,
    .events = vault_events,
};
