/* relay's configuration. */
#pragma once

#include "lib/core/config.h"
#include <stdint.h>

struct relay_config {
    const char *address;
    int64_t port;
    const char *name;
    const char *kafka_brokers;
    int64_t partitions;
    int64_t batch_records;
    int64_t fetch_bytes;
    int64_t fetch_spacing_ms;
    int64_t session_timeout_ms;
    int64_t timeout_ms;
};

extern const struct config_entry relay_config_table[];
