/* For tools: which topics there are, how far they reach, where a time stands in them, and how far
 * consumer groups have come. Blocks up to the timeout of log_admin_open. One thread. */
#pragma once

#include "lib/core/error.h"
#include <stddef.h>
#include <stdint.h>

struct log_admin;

MUST_CHECK struct log_admin *log_admin_open(const char *brokers, int timeout_ms,
                                            struct error *error);
struct log_admin *log_admin_close(struct log_admin *admin); /* NULL accepted, returns NULL */

typedef bool log_topic_visitor(void *self, const char *topic, int32_t partition_count);

/* Visits every topic but the broker's own (whose names begin with __) until visit returns false. */
MUST_CHECK bool log_admin_topics(struct log_admin *admin, log_topic_visitor *visit, void *self,
                                 struct error *error);
/* LOG_FAILED: there is no such topic. */
MUST_CHECK bool log_admin_partition_count(struct log_admin *admin, const char *topic,
                                          int32_t *ret_count, struct error *error);

struct log_place {
    const char *topic;
    int32_t partition;
};

struct log_span {
    int64_t first; /* of the oldest record, or `end` */
    int64_t end;   /* behind the newest */
};

MUST_CHECK bool log_admin_span(struct log_admin *admin, const struct log_place *place,
                               struct log_span *ret_span, struct error *error);
/* The first record appended then or later; the end if there is none. */
MUST_CHECK bool log_admin_find_time(struct log_admin *admin, const struct log_place *place,
                                    int64_t time_us, int64_t *ret_offset, struct error *error);

struct log_group {
    const char *name;
    const char *topic;
    int32_t partition_count;
};

/* By partition; NONE where the group has none. */
MUST_CHECK bool log_admin_group_offsets(struct log_admin *admin, const struct log_group *group,
                                        int64_t *ret_offsets, struct error *error);
/* NONE leaves a partition as it is. LOG_FAILED while the group has members: only they may move. */
MUST_CHECK bool log_admin_move_group(struct log_admin *admin, const struct log_group *group,
                                     const int64_t *offsets, struct error *error);
