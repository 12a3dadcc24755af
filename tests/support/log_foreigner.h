/* Somebody who writes into our topics without knowing the rules. */
#pragma once

#include <stdint.h>

/* Appends a record without headers and waits until it is there; asserts that it is. */
void foreigner_append(const char *brokers, const char *topic, int32_t partition, const char *value);
