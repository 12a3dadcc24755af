/* Commands of the test contexts, by hand. */
#include "tests/contexts/transfers.h"

#include "command-svc/exchange/transfer.h"
#include "lib/log/partition.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

extern const struct command open_purse, open_chest, request_transfer;

/* As the commands' own files have them. */
struct amount_input {
    int64_t amount;
};
struct request_transfer_input {
    struct text purse_id;
    struct text chest_id;
    int64_t amount;
    int64_t patience_ms;
};

void transfers_id(int number, char ret_id[static TRANSFERS_ID_SIZE])
{
    static const char zeros[] = "00000000-0000-4000-8000-000000000000";

    memcpy(ret_id, zeros, sizeof(zeros));
    for (char *digit = ret_id; number > 0; number /= 10)
        *digit++ = (char)('0' + number % 10);
}

int32_t transfers_partition(const char *id)
{
    return log_partition_of(text_of(id), HOUSE_PARTITIONS);
}

void transfers_open_purse(struct house *house, const char *id, int64_t coins)
{
    assert_true(house_ask(house, &open_purse, id, &(struct amount_input){coins}).accepted);
}

void transfers_open_chest(struct house *house, const char *id, int64_t capacity)
{
    assert_true(house_ask(house, &open_chest, id, &(struct amount_input){capacity}).accepted);
}

void transfers_request(struct house *house, const char *id, int64_t amount, int64_t patience_ms)
{
    struct request_transfer_input wanted = {text_of(PURSE), text_of(CHEST), amount, patience_ms};

    assert_true(house_ask(house, &request_transfer, id, &wanted).accepted);
}

void transfers_tell(struct house *house, const char *id, const char *step_name, bool accepted)
{
    struct reaction_outcome outcome = {
        .reaction = TEXT("carry_transfer"),
        .step = text_of(step_name),
        .target = text_of(CHEST),
        .accepted = accepted,
        .code = text_of(accepted ? "" : "refused"),
    };

    assert_true(house_ask(house, &record_transfer_step, id, &outcome).accepted);
}
