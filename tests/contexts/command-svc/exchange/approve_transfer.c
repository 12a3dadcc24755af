/* ApproveTransfer: the coins held may go. */
#include "command-svc/exchange/transfer.h"

static const struct record nothing_record = {.name = "Nothing"};

static void approve_transfer_decide(const void *root, const void *part, const void *input,
                                    struct decision *decision)
{
    const struct transfer *transfer = root;
    (void)part, (void)input;

    if (transfer->status != TRANSFER_HELD)
        refuse(decision, &transfer_not_held);
    else
        emit(decision, &transfer_approved_record,
             &(struct transfer_approved){
                 .chest_id = transfer->chest_id,
                 .amount = transfer->amount,
             });
}

const struct command approve_transfer = {
    .name = "ApproveTransfer",
    .method = "PUT",
    .path = "/v1/transfers/{transfer_id}/approval",
    .aggregate = &transfer_aggregate,
    .effect = COMMAND_CHANGES,
    .roles = ROLE_CUSTOMER | ROLE_ADMIN,
    .input = &nothing_record,
    .decide = approve_transfer_decide,
};
