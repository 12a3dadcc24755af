/* command-svc's configuration: the table that --help prints. */
#include "command-svc/config.h"

#include "command-svc/hosting.h"

#include <stddef.h>

#define AT(member) .offset = offsetof(struct command_config, member)

static const struct config_entry table[] = {
    {"SIJANG_ADDRESS", CONFIG_TEXT, AT(address), .initial = "127.0.0.1", .min = 1, .max = 64,
     .help = "numeric address to listen on"},
    {"SIJANG_COMMAND_PORT", CONFIG_INTEGER, AT(port), .initial = "8081", .max = 65535,
     .help = "port to listen on; 0: any"},
    {"SIJANG_COMMAND_SOCKET", CONFIG_TEXT, AT(socket), .initial = "", .max = 100,
     .help = "path of a Unix socket to listen on as well, for a gateway on this machine"},
    {"SIJANG_KAFKA_BROKERS", CONFIG_TEXT, AT(kafka_brokers), .initial = "127.0.0.1:9092", .min = 1,
     .max = 1000, .help = "host:port, comma separated"},
    {"SIJANG_PARTITIONS", CONFIG_INTEGER, AT(partitions), .initial = "8", .min = 1, .max = 1024,
     .help = "partitions of every topic, as created"},
    {"SIJANG_INDEX_PATH", CONFIG_TEXT, AT(index_path), .initial = "var/index", .min = 1,
     .max = 1000, .help = "folder of the local index; may be deleted, is rebuilt from the log"},
    {"SIJANG_TOKEN_SECRET", CONFIG_SECRET, AT(token_secret), .min = 32, .max = 1000,
     .help = "signs bearer tokens (HS256)"},
    {"SIJANG_REQUEST_SECRET", CONFIG_SECRET, AT(request_secret), .initial = "", .max = 1000,
     .help = "keys the hashes that tell a repeated request from another one under its key; none: "
             "SIJANG_TOKEN_SECRET, and changing that turns repetitions into 422"},
    {"SIJANG_TOKEN_ISSUER", CONFIG_TEXT, AT(token_issuer), .initial = "sijang", .min = 1,
     .max = 200, .help = "iss of accepted tokens"},
    {"SIJANG_HTTP_THREADS", CONFIG_INTEGER, AT(http_threads), .initial = "2", .min = 1, .max = 64,
     .help = "threads that parse requests and write answers"},
    {"SIJANG_SHARDS", CONFIG_INTEGER, AT(shards), .initial = "1", .min = 1, .max = 64,
     .help = "threads that decide; each owns a share of the partitions"},
    {"SIJANG_CONNECTIONS_MAX", CONFIG_INTEGER, AT(connections_max), .initial = "2048", .min = 1,
     .max = 100000, .help = "open client connections"},
    {"SIJANG_CALLS_MAX", CONFIG_INTEGER, AT(calls_max), .initial = "4096", .min = 1, .max = 1000000,
     .help = "commands under way per shard; more are answered 503"},
    {"SIJANG_PARTITION_CALLS_MAX", CONFIG_INTEGER, AT(partition_calls_max), .initial = "1024",
     .min = 1, .max = 1000000,
     .help = "of those, in one partition of one context; more are answered 503"},
    {"SIJANG_LATENCY_MS_MAX", CONFIG_INTEGER, AT(latency_ms_max), .initial = "1000", .min = 10,
     .max = 600000,
     .help = "once a partition's oldest command waits longer, new ones are answered 503"},
    {"SIJANG_REQUEST_TIMEOUT_MS", CONFIG_INTEGER, AT(request_timeout_ms), .initial = "5000",
     .min = 10, .max = 600000, .help = "how long a command may take"},
    {"SIJANG_BODY_BYTES_MAX", CONFIG_INTEGER, AT(body_bytes_max), .initial = "65536", .min = 256,
     .max = 1048576, .help = "of a request"},
    {"SIJANG_OVERLAY_BYTES_MAX", CONFIG_INTEGER, AT(overlay_bytes_max), .initial = "16777216",
     .min = 1048576, .max = 4294967296, .help = "newer than the index on disk, per partition"},
    {"SIJANG_PRODUCE_BYTES_MAX", CONFIG_INTEGER, AT(produce_bytes_max), .initial = "33554432",
     .min = 1048576, .max = 4294967296, .help = "on their way to the log, per shard"},
    {"SIJANG_DEPLOYMENT", CONFIG_TEXT, AT(deployment), .initial = "main", .min = 1, .max = 100,
     .help = "processes of one name share the partitions of their contexts"},
    {"SIJANG_CONTEXTS", CONFIG_TEXT, AT(contexts), .initial = "", .max = 1000,
     .help = "what this process hosts, comma separated, the same in all of its deployment; empty: "
             "everything. Commands for others are forwarded"},
    {"SIJANG_ADVERTISE", CONFIG_TEXT, AT(advertise), .initial = "", .max = 255,
     .help = "host:port at which the others reach this process, and its name among them; empty: "
             "where it listens"},
    {"SIJANG_SESSION_TIMEOUT_MS", CONFIG_INTEGER, AT(session_timeout_ms), .initial = "2000",
     .min = 1000, .max = 60000, .help = "a process not heard of for so long loses its partitions"},
    {"SIJANG_LEAVE_MS", CONFIG_INTEGER, AT(leave_ms), .initial = "1000", .max = 60000,
     .help = "how long a process that stops still takes requests, for others and the gateway to "
             "notice; not if it is alone"},
    {0},
};

static bool check(const void *self, struct error *error)
{
    const struct command_config *config = self;
    struct hosting hosting;

    return hosting_read(config->contexts, &hosting, error);
}

const struct config_program command_program = {"command-svc", table, check};
