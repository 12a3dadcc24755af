/* What clients of the test contexts do, in the simulated house. The four are of four partitions. */
#pragma once

#include "tests/contexts/house.h"

#define PURSE             "11111111-1111-4111-8111-111111111111"
#define CHEST             "77777777-7777-4777-8777-777777777777"
#define TRANSFER          "33333333-3333-4333-8333-333333333333"
#define OTHER_TRANSFER    "44444444-4444-4444-8444-444444444444"
#define TRANSFERS_ID_SIZE 37

extern const struct command approve_transfer;

void transfers_id(int number, char ret_id[static TRANSFERS_ID_SIZE]);
int32_t transfers_partition(const char *id);
void transfers_open_purse(struct house *house, const char *id, int64_t coins);
void transfers_open_chest(struct house *house, const char *id, int64_t capacity);
/* From PURSE to CHEST. */
void transfers_request(struct house *house, const char *id, int64_t amount, int64_t patience_ms);
/* As its reaction would. */
void transfers_tell(struct house *house, const char *id, const char *step_name, bool accepted);
