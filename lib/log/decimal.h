/* Whole numbers as digits, laid down backwards from the end of a scratch buffer: for every append,
 * without printf's cost. */
#pragma once

#include <stdint.h>

#define DECIMAL_SIZE_MAX 19

/* Writes the digits of `value` (not negative) in front of `end`; returns where they start. */
char *decimal_print(char *end, int64_t value);
