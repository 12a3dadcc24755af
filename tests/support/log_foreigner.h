/* Somebody who writes into our topics without knowing the rules. */
#pragma once

#include <stdint.h>

struct log_port;

/* Appends a record without headers and waits until it is there; asserts that it is. */
void foreigner_append(const char *brokers, const char *topic, int32_t partition, const char *value);
/* The producer inside a Kafka port meets a fatal error, as librdkafka #4438 causes them. */
void foreigner_break_producer(struct log_port *port);
