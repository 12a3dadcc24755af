/* Identifiers, RFC 9562: UUID version 7 (time-ordered, drawn) and 5 (named, the same every time).
 */
#pragma once

#include "lib/core/text.h"
#include <stdbool.h>
#include <stdint.h>

#define UUID_TEXT_SIZE 37 /* with NUL */

struct uuid {
    uint8_t bytes[16];
};

/* Drawn; within one thread strictly increasing, also within a millisecond. */
struct uuid uuid_v7(void);
struct uuid uuid_v5(const struct uuid *name_space, const void *name, size_t size);
void uuid_format(const struct uuid *uuid, char ret_string[static UUID_TEXT_SIZE]); /* lower case */
/* 36 characters with hyphens, either case; false on anything else. */
bool uuid_parse(struct text text, struct uuid *ret_uuid);
bool uuid_equal(const struct uuid *a, const struct uuid *b);
void random_fill(void *bytes, size_t size); /* from the kernel */
