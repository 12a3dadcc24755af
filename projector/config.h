/* projector's configuration. */
#pragma once

#include "lib/core/config.h"
#include <stdint.h>

#define PROCESS_SIZE 13

struct projector_config {
    const char *address;
    int64_t port;
    const char *kafka_brokers;
    struct secret database;
    struct secret token_secret;
    const char *token_issuer;
    int64_t partitions;
    int64_t batch_events;
    int64_t batch_bytes;
    int64_t cache_bytes;
    int64_t fetch_bytes;
    int64_t fetch_spacing_ms;
    int64_t pace_ms;
    int64_t apart_records;
    int64_t statement_timeout_ms;
    int64_t lag_events_max;
    int64_t rebuild_bytes;
    int64_t silence_ms;
    /* Not from outside: drawn at start, ends the application_name of all connections. */
    char process[PROCESS_SIZE];
};

extern const struct config_entry projector_config_table[];
