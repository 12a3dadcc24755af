/* query-svc's configuration. */
#pragma once

#include "lib/core/config.h"

struct query_config {
    const char *address;
    int64_t port;
    const char *socket; /* empty: none */
    struct secret database;
    struct secret token_secret;
    const char *token_issuer;
    int64_t partitions;
    int64_t database_connections;
    int64_t list_connections;
    int64_t http_threads;
    int64_t connections_max;
    int64_t questions_max;
    int64_t in_flight_max;
    int64_t waiters_max;
    int64_t streams_max;
    int64_t request_timeout_ms;
    int64_t statement_timeout_ms;
};

extern const struct config_entry query_config_table[];
