/* The list of exchange's commands, aggregates, reactions and refusals. */
#include "command-svc/exchange/purse.h"
#include "command-svc/exchange/transfer.h"

#define COMMANDS(X)                                                                                \
    X(open_purse)                                                                                  \
    X(hold_coins)                                                                                  \
    X(take_hold)                                                                                   \
    X(release_hold)                                                                                \
    X(request_transfer)                                                                            \
    X(approve_transfer)                                                                            \
    X(expire_transfer)                                                                             \
    X(record_transfer_step)

#define COMMAND_DECLARE(name) extern const struct command name;
COMMANDS(COMMAND_DECLARE)

#define COMMAND_ENTRY(name) &name,
static const struct command *const exchange_commands[] = {COMMANDS(COMMAND_ENTRY) NULL};

static const struct aggregate *const exchange_aggregates[] = {
    &purse_aggregate,
    &transfer_aggregate,
    NULL,
};

static const struct reaction *const exchange_reactions[] = {&carry_transfer, NULL};

#define REFUSAL(refusal_name, refusal_status, refusal_text)                                        \
    const struct refusal refusal_name = {                                                          \
        .code = #refusal_name, .status = refusal_status, .text = refusal_text};
#include "schemas/exchange/refusals.def"
#undef REFUSAL

extern const struct context exchange_context;
const struct context exchange_context = {
    .name = "exchange",
    .commands = exchange_commands,
    .aggregates = exchange_aggregates,
    .reactions = exchange_reactions,
    .events = exchange_events,
};
