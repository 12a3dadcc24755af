/* Bytes as pairs of hexadecimal digits. */
#pragma once

#include "lib/core/check.h"
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One more than the value; 0: no digit. A table, for digits and letters are as good as random: a
 * branch that tells them apart is guessed wrong every other time. */
extern const uint8_t hex_values[UCHAR_MAX + 1];

/* 0 to 15, of either case; -1: no digit. */
static inline int hex_value(char digit)
{
    return hex_values[(unsigned char)digit] - 1;
}

/* Lower case, two digits a byte; returns the place behind them. */
char *hex_write(char *at, const uint8_t *bytes, size_t size);
/* Two digits a byte, lower case only: each sequence of bytes has one spelling. */
MUST_CHECK bool hex_read(const char *digits, uint8_t *ret_bytes, size_t size);
