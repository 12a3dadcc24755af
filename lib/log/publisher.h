/* Appends to one partition of a topic in transactions, for consumers with
 * isolation.level=read_committed: who opens it shuts out whoever published there before under the
 * same name and undoes what he left open. Public records only. One thread; blocks. */
#pragma once

#include "lib/core/error.h"
#include <stddef.h>
#include <stdint.h>

struct log_event;
struct log_mark;
struct log_port;
struct log_position;
struct log_publisher;

struct log_publisher_options {
    const char *name; /* transactional id: one for each partition of each topic */
    const char *topic;
    int32_t partition;
    int timeout_ms; /* of each step that waits for the broker */
    size_t queued_bytes_max;
};

/* A Kafka port lends broker addresses and client id; it outlives the publisher. Copies the options.
 * LOG_UNAVAILABLE: try again later. */
MUST_CHECK struct log_publisher *log_publisher_open(struct log_port *kafka_port,
                                                    const struct log_publisher_options *options,
                                                    struct error *error);
struct log_publisher *log_publisher_close(struct log_publisher *publisher); /* NULL accepted */

/* Where the source goes on behind the newest public record: at its beginning if there is none.
 * Every transaction of this name is over by then, or it fails. DATA_CORRUPT: what is there was not
 * written by a publisher, or is gone. */
MUST_CHECK bool log_publisher_resume(struct log_publisher *publisher, struct log_position *ret_from,
                                     struct error *error);

/* All events of a commit and its position, with everything appended since the last
 * log_publisher_commit. After a failure of either, whether the transaction came to pass is not
 * known: close, open, resume. NOT_READY: another process publishes there now. */
MUST_CHECK bool log_publisher_append(struct log_publisher *publisher,
                                     const struct log_event *events, size_t count,
                                     const struct log_mark *commit, struct error *error);
/* Nothing appended: nothing done. */
MUST_CHECK bool log_publisher_commit(struct log_publisher *publisher, struct error *error);
