/* The two clocks: wall time for people and stamps, boot time for durations and deadlines. */
#pragma once

#include "lib/core/text.h"
#include <stdbool.h>
#include <stdint.h>

#define CLOCK_RFC3339_SIZE 28 /* 2026-01-31T23:59:59.123456Z and NUL */

int64_t clock_wall_us(void); /* microseconds since 1970, UTC */
int64_t clock_boot_us(void); /* never goes back, counts on while the machine sleeps */

void clock_format(int64_t wall_us, char ret_string[static CLOCK_RFC3339_SIZE]);
/* RFC 3339, "Z" or an offset, up to microseconds; false on anything else. */
bool clock_parse(struct text text, int64_t *ret_wall_us);
