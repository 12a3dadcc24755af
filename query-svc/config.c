/* query-svc's configuration: the table that --help prints. */
#include "query-svc/config.h"
#include <stddef.h>

#define AT(member) .offset = offsetof(struct query_config, member)

/* clang-format off */
const struct config_entry query_config_table[] = {
    {"SIJANG_ADDRESS", CONFIG_TEXT, AT(address), .initial = "127.0.0.1", .min = 1, .max = 64,
     .help = "numeric address to listen on"},
    {"SIJANG_QUERY_PORT", CONFIG_INTEGER, AT(port), .initial = "8082", .max = 65535,
     .help = "port to listen on; 0: any"},
    {"SIJANG_QUERY_SOCKET", CONFIG_TEXT, AT(socket), .initial = "", .max = 100,
     .help = "path of a Unix socket to listen on as well, for a gateway on this machine"},
    {"SIJANG_DATABASE", CONFIG_SECRET, AT(database), .min = 1, .max = 2000,
     .help = "libpq connection string, of one server: the primary or a replica"},
    {"SIJANG_TOKEN_SECRET", CONFIG_SECRET, AT(token_secret), .min = 32, .max = 1000,
     .help = "signs bearer tokens (HS256)"},
    {"SIJANG_TOKEN_ISSUER", CONFIG_TEXT, AT(token_issuer), .initial = "sijang", .min = 1,
     .max = 200, .help = "iss of accepted tokens"},
    {"SIJANG_PARTITIONS", CONFIG_INTEGER, AT(partitions), .initial = "8", .min = 1, .max = 1024,
     .help = "partitions of every topic, as created"},
    {"SIJANG_QUERY_CONNECTIONS", CONFIG_INTEGER, AT(database_connections), .initial = "2",
     .min = 1, .max = 16, .help = "database connections that questions about one row share"},
    {"SIJANG_QUERY_LIST_CONNECTIONS", CONFIG_INTEGER, AT(list_connections), .initial = "1",
     .min = 1, .max = 16, .help = "database connections that lists and searches share"},
    {"SIJANG_HTTP_THREADS", CONFIG_INTEGER, AT(http_threads), .initial = "2", .min = 1, .max = 64,
     .help = "threads that parse requests and write answers"},
    {"SIJANG_CONNECTIONS_MAX", CONFIG_INTEGER, AT(connections_max), .initial = "8192", .min = 1,
     .max = 100000, .help = "open client connections"},
    {"SIJANG_QUERY_QUESTIONS_MAX", CONFIG_INTEGER, AT(questions_max), .initial = "4096", .min = 1,
     .max = 1000000, .help = "questions queued for the database; more are answered 503"},
    {"SIJANG_QUERY_IN_FLIGHT_MAX", CONFIG_INTEGER, AT(in_flight_max), .initial = "128", .min = 1,
     .max = 256, .help = "questions under way per database connection"},
    {"SIJANG_QUERY_WAITERS_MAX", CONFIG_INTEGER, AT(waiters_max), .initial = "2000", .min = 1,
     .max = 100000, .help = "requests waiting for a position; more are answered 503"},
    {"SIJANG_QUERY_STREAMS_MAX", CONFIG_INTEGER, AT(streams_max), .initial = "6000", .min = 1,
     .max = 100000, .help = "live answers under way; more are answered 503"},
    {"SIJANG_REQUEST_TIMEOUT_MS", CONFIG_INTEGER, AT(request_timeout_ms), .initial = "5000",
     .min = 10, .max = 600000,
     .help = "how long a question may take, waiting for positions aside"},
    {"SIJANG_QUERY_STATEMENT_TIMEOUT_MS", CONFIG_INTEGER, AT(statement_timeout_ms),
     .initial = "3000", .min = 10, .max = 600000, .help = "how long the database may work on one"},
    {0},
};
/* clang-format on */
