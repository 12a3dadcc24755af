/* The group port over librdkafka: a consumer that is dealt partitions and fetches nothing. */
#pragma once

#include "lib/core/error.h"

struct group_port;
struct log_port;

struct kafka_group_options {
    const char *group;
    /* The member's name, the same after a restart and borne by no other process: a static member,
     * dealt its share again at once if it comes back within the session timeout. The order of
     * names is the order in which partitions are dealt. */
    const char *member;
    const char *const *topics; /* NULL-terminated; borrowed */
    int session_timeout_ms;
    int heartbeat_ms;
};

/* A Kafka port lends broker addresses, client id and its wait, which ends when the group has news,
 * too; it outlives the group. */
MUST_CHECK struct group_port *kafka_group_create(struct log_port *kafka_port,
                                                 const struct kafka_group_options *options,
                                                 struct error *error);
struct group_port *kafka_group_destroy(struct group_port *group); /* NULL accepted, returns NULL */
