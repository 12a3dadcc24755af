/* relay's configuration: the table that --help prints. */
#include "relay/config.h"

#include <stddef.h>

#define AT(member) .offset = offsetof(struct relay_config, member)

const struct config_entry relay_config_table[] = {
    {"SIJANG_ADDRESS", CONFIG_TEXT, AT(address), .initial = "127.0.0.1", .min = 1, .max = 64,
     .help = "numeric address to listen on"},
    {"SIJANG_RELAY_PORT", CONFIG_INTEGER, AT(port), .initial = "8084", .max = 65535,
     .help = "port of /health, /ready and /metrics; 0: any, then it needs a name"},
    {"SIJANG_RELAY_NAME", CONFIG_TEXT, AT(name), .initial = "", .max = 100,
     .help = "among all relays, the same after a restart; empty: address and port"},
    {"SIJANG_KAFKA_BROKERS", CONFIG_TEXT, AT(kafka_brokers), .initial = "127.0.0.1:9092", .min = 1,
     .max = 1000, .help = "host:port, comma separated"},
    {"SIJANG_PARTITIONS", CONFIG_INTEGER, AT(partitions), .initial = "8", .min = 1, .max = 1024,
     .help = "partitions of every topic, as created"},
    {"SIJANG_RELAY_BATCH_RECORDS", CONFIG_INTEGER, AT(batch_records), .initial = "5000", .min = 1,
     .max = 100000, .help = "records read for one round of transactions at most"},
    {"SIJANG_RELAY_FETCH_BYTES", CONFIG_INTEGER, AT(fetch_bytes), .initial = "4194304",
     .min = 65536, .max = 1073741824, .help = "of records fetched ahead, about"},
    {"SIJANG_RELAY_FETCH_SPACING_MS", CONFIG_INTEGER, AT(fetch_spacing_ms), .initial = "20",
     .min = 0, .max = 1000,
     .help = "from one small answer of the broker to the next; more spares it work"},
    {"SIJANG_RELAY_SESSION_TIMEOUT_MS", CONFIG_INTEGER, AT(session_timeout_ms), .initial = "6000",
     .min = 1000, .max = 300000, .help = "a silent relay's partitions go to the others after it"},
    {"SIJANG_RELAY_TIMEOUT_MS", CONFIG_INTEGER, AT(timeout_ms), .initial = "10000", .min = 100,
     .max = 300000, .help = "how long the broker may take for one step of a transaction"},
    {0},
};
