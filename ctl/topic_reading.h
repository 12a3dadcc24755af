/* What tail, history and verify share: a topic's records with their verdicts, from a place to the
 * end of this moment, or on and on. */
#pragma once

#include "ctl/place.h"
#include "lib/log/inspector.h"

#define ALL_PARTITIONS   (-1)
#define ADMIN_TIMEOUT_MS 10000

struct topic_reading;

struct topic_reading_options {
    const char *brokers;
    const char *topic;
    int32_t partition; /* or ALL_PARTITIONS */
    struct place from;
    bool follow; /* until topic_reading_stop */
    void *self;
    /* False: enough. */
    bool (*record)(void *self, int32_t partition, const struct log_inspection *inspection);
};

/* Copies the options, borrows their texts. */
MUST_CHECK struct topic_reading *topic_reading_open(const struct topic_reading_options *options,
                                                    struct error *error);
struct topic_reading *topic_reading_close(struct topic_reading *reading); /* NULL accepted */
/* Flushes stdout whenever it waits. Fails when nothing comes for half a minute though something
 * should, or a partition cannot be read. */
MUST_CHECK bool topic_reading_run(struct topic_reading *reading, struct error *error);
int32_t topic_reading_partition_count(const struct topic_reading *reading); /* of the topic */
int64_t topic_reading_missing(const struct topic_reading *reading); /* offsets without a record */

/* A valid event; in a topic that is no context's, also one of a partition that nobody has claimed:
 * there is no rule to break there (public topics, copies of what counts). */
bool topic_counts(const char *topic, const struct log_inspection *inspection);
/* The context's topic if that is a context's name, else the name. */
const char *topic_named(const char *topic_or_context);
