/* RequestTransfer: coins shall go from a purse to a chest, unless patience ends before approval. */
#include "command-svc/exchange/purse.h"
#include "command-svc/exchange/transfer.h"

#define PATIENCE_MS_MAX 86400000
#define PURSE_ID_MAX    500

struct request_transfer_input {
    struct text purse_id;
    struct text chest_id;
    int64_t amount;
    int64_t patience_ms;
};

static const struct field request_transfer_fields[] = {
    /* Longer than any key may be: a reaction cannot go on with that. */
    {FIELD_AT(request_transfer_input, purse_id), .kind = FIELD_TEXT, .format = TEXT_NAME,
     .max = PURSE_ID_MAX},
    {FIELD_AT(request_transfer_input, chest_id), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(request_transfer_input, amount), .kind = FIELD_INTEGER, .min = 1, .max = COINS_MAX},
    {FIELD_AT(request_transfer_input, patience_ms), .kind = FIELD_INTEGER, .max = PATIENCE_MS_MAX},
};

static const struct record request_transfer_input_record = {
    .name = "RequestTransferInput",
    .size = sizeof(struct request_transfer_input),
    .fields = request_transfer_fields,
    .field_count = COUNT_OF(request_transfer_fields),
};

static void request_transfer_decide(const void *root, const void *part, const void *input,
                                    struct decision *decision)
{
    const struct request_transfer_input *wanted = input;
    (void)root, (void)part;

    emit(decision, &transfer_requested_record,
         &(struct transfer_requested){
             .purse_id = wanted->purse_id,
             .chest_id = wanted->chest_id,
             .amount = wanted->amount,
             .expires_at = decision->now_us + wanted->patience_ms * 1000,
         });
}

const struct command request_transfer = {
    .name = "RequestTransfer",
    .method = "POST",
    .path = "/v1/transfers",
    .aggregate = &transfer_aggregate,
    .effect = COMMAND_CREATES,
    .roles = ROLE_CUSTOMER | ROLE_ADMIN,
    .input = &request_transfer_input_record,
    .decide = request_transfer_decide,
};
