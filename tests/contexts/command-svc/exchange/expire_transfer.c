/* ExpireTransfer: nobody approved in time. What was asked for is undone, whatever is known of it.
 */
#include "command-svc/exchange/transfer.h"

static const struct record nothing_record = {.name = "Nothing"};

static void expire_transfer_decide(const void *root, const void *part, const void *input,
                                   struct decision *decision)
{
    const struct transfer *transfer = root;
    (void)part, (void)input;

    if (transfer->status == TRANSFER_REQUESTED || transfer->status == TRANSFER_HELD)
        emit(decision, &transfer_cancelling_record,
             &(struct transfer_cancelling){
                 .purse_id = transfer->purse_id,
                 .reason = TEXT("expired"),
             });
}

const struct command expire_transfer = {
    .name = "ExpireTransfer",
    .aggregate = &transfer_aggregate,
    .effect = COMMAND_CHANGES,
    .roles = ROLE_SERVICE,
    .input = &nothing_record,
    .decide = expire_transfer_decide,
};
