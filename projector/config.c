/* projector's configuration: the table that --help prints. */
#include "projector/config.h"

#include <stddef.h>

#define AT(member) .offset = offsetof(struct projector_config, member)

const struct config_entry projector_config_table[] = {
    {"SIJANG_ADDRESS", CONFIG_TEXT, AT(address), .initial = "127.0.0.1", .min = 1, .max = 64,
     .help = "numeric address to listen on"},
    {"SIJANG_PROJECTOR_PORT", CONFIG_INTEGER, AT(port), .initial = "8083", .max = 65535,
     .help = "port of /health, /ready, /metrics and /v1/parked; 0: any"},
    {"SIJANG_KAFKA_BROKERS", CONFIG_TEXT, AT(kafka_brokers), .initial = "127.0.0.1:9092", .min = 1,
     .max = 1000, .help = "host:port, comma separated"},
    {"SIJANG_DATABASE", CONFIG_SECRET, AT(database), .min = 1, .max = 1000,
     .help = "libpq connection string, may hold a password"},
    {"SIJANG_TOKEN_SECRET", CONFIG_SECRET, AT(token_secret), .initial = "", .max = 1000,
     .help = "signs bearer tokens of operators, 32 bytes at least; none: their paths are closed"},
    {"SIJANG_TOKEN_ISSUER", CONFIG_TEXT, AT(token_issuer), .initial = "sijang", .min = 1,
     .max = 200, .help = "who issues them"},
    {"SIJANG_PARTITIONS", CONFIG_INTEGER, AT(partitions), .initial = "8", .min = 1, .max = 1024,
     .help = "partitions of every topic, as created"},
    {"SIJANG_PROJECTOR_BATCH_EVENTS", CONFIG_INTEGER, AT(batch_events), .initial = "5000", .min = 1,
     .max = 100000, .help = "records read for one transaction at most"},
    {"SIJANG_PROJECTOR_BATCH_BYTES", CONFIG_INTEGER, AT(batch_bytes), .initial = "8388608",
     .min = 65536, .max = 268435456, .help = "of events in one transaction, about"},
    {"SIJANG_PROJECTOR_CACHE_BYTES", CONFIG_INTEGER, AT(cache_bytes), .initial = "8388608",
     .min = 65536, .max = 17179869184, .help = "of rows kept in memory, per view, about"},
    {"SIJANG_PROJECTOR_FETCH_BYTES", CONFIG_INTEGER, AT(fetch_bytes), .initial = "2097152",
     .min = 65536, .max = 1073741824, .help = "of records fetched ahead, about"},
    {"SIJANG_PROJECTOR_FETCH_SPACING_MS", CONFIG_INTEGER, AT(fetch_spacing_ms), .initial = "5",
     .min = 0, .max = 1000,
     .help = "from one small answer of the broker to the next; more spares it work under load"},
    {"SIJANG_PROJECTOR_PACE_MS", CONFIG_INTEGER, AT(pace_ms), .initial = "10", .min = 0,
     .max = 1000,
     .help = "from one transaction to the next under load; more spares the database work"},
    {"SIJANG_PROJECTOR_APART_RECORDS", CONFIG_INTEGER, AT(apart_records), .initial = "10000",
     .min = 1, .max = 1000000000,
     .help = "records; further behind the others, a view is kept by a thread of its own"},
    {"SIJANG_PROJECTOR_STATEMENT_TIMEOUT_MS", CONFIG_INTEGER, AT(statement_timeout_ms),
     .initial = "30000", .min = 100, .max = 3600000,
     .help = "how long the database may take for one statement"},
    {"SIJANG_PROJECTOR_LAG_EVENTS_MAX", CONFIG_INTEGER, AT(lag_events_max), .initial = "1000",
     .min = 0, .max = 1000000000,
     .help = "records; further behind, a view is ready only while it makes progress"},
    {0},
};
