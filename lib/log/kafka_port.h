/* The port over librdkafka: the only way into the real broker. */
#pragma once

#include "lib/core/error.h"
#include <stdbool.h>
#include <stddef.h>

struct log_port;

#define KAFKA_FETCH_WAIT_MS "5"
#define KAFKA_FETCH_WAIT_US 5000
/* An answer of so many bytes is no small one. */
#define KAFKA_FETCH_FULL_BYTES 65536

struct kafka_port_options {
    const char *brokers; /* host:port, comma separated */
    const char *client_id;
    bool producer;            /* also appends; readers leave it false */
    bool committed;           /* leaves out what transactions have not committed */
    size_t queued_bytes_max;  /* of appends under way */
    size_t fetched_bytes_max; /* of the values of messages waiting to be read, about */
    /* Messages waiting to be read, about: beyond it no answer is taken, until half of them are
     * read. 0: whatever the bytes allow; once those are reached, up to a second passes idly. */
    size_t fetched_records_max;
    /* Small answers are taken so far apart, per broker: the first one at once, and a stream of
     * records in few fetches instead of one each. 0: as they come. */
    int fetch_spacing_ms;
    /* Of one partition in one fetch, about; 0: 1 MiB. Comparing a position with the log fetches
     * twice: who attaches many partitions keeps it small. */
    size_t fetch_bytes_max;
};

/* Connects lazily: a broker that is away is waited for, not an error. Destroy after its writer or
 * reader. */
MUST_CHECK struct log_port *kafka_port_create(const struct kafka_port_options *options,
                                              struct error *error);
struct log_port *kafka_port_destroy(struct log_port *port); /* NULL accepted, returns NULL */
