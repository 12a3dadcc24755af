/* The list of catalog's commands, aggregates and refusals: a new command is one file and a line
 * here. */
#include "command-svc/catalog/product.h"

#define COMMANDS(X)                                                                                \
    X(list_product)                                                                                \
    X(revise_product)                                                                              \
    X(change_price)                                                                                \
    X(adjust_stock)                                                                                \
    X(reserve_stock)                                                                               \
    X(commit_reservation)                                                                          \
    X(release_reservation)                                                                         \
    X(delist_product)

#define COMMAND_DECLARE(name) extern const struct command name;
COMMANDS(COMMAND_DECLARE)

#define COMMAND_ENTRY(name) &name,
static const struct command *const catalog_commands[] = {COMMANDS(COMMAND_ENTRY) NULL};

static const struct aggregate *const catalog_aggregates[] = {&product_aggregate, NULL};

#define REFUSAL(refusal_name, refusal_status, refusal_text)                                        \
    const struct refusal refusal_name = {                                                          \
        .code = #refusal_name, .status = refusal_status, .text = refusal_text};
#include "schemas/catalog/refusals.def"
#undef REFUSAL

extern const struct context catalog_context;
const struct context catalog_context = {
    .name = "catalog",
    .commands = catalog_commands,
    .aggregates = catalog_aggregates,
    .events = catalog_events,
};
