/* command-svc's configuration. */
#pragma once

#include "lib/core/config.h"

struct command_config {
    const char *address;
    int64_t port;
    const char *socket; /* empty: none */
    const char *kafka_brokers;
    int64_t partitions;
    const char *index_path;
    struct secret token_secret;
    struct secret request_secret;
    const char *token_issuer;
    int64_t http_threads;
    int64_t shards;
    int64_t connections_max;
    int64_t calls_max;
    int64_t partition_calls_max;
    int64_t latency_ms_max;
    int64_t request_timeout_ms;
    int64_t body_bytes_max;
    int64_t overlay_bytes_max;
    int64_t produce_bytes_max;
    const char *deployment;
    const char *contexts;
    const char *advertise;
    int64_t session_timeout_ms;
    int64_t leave_ms;
};

extern const struct config_program command_program;
