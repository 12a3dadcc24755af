/* One context's aggregates in one partition: load one, fold events into it, stage the result in the
 * index. On the shard's thread only. */
#pragma once

#include "command-svc/command.h"
#include "lib/core/buffer.h"
#include "lib/core/error.h"
#include "lib/index/index.h"
#include "lib/log/envelope.h"
#include "lib/log/position.h"

struct store {
    const struct context *context;
    struct index_context *index;
    struct buffer *scratch; /* the shard's, for encoding */
};

#define STORE_VALUE_BYTES_MAX (256 * 1024) /* the scratch buffer's limit */

/* An aggregate as a command sees it, in memory of the arena it was loaded into. */
struct loaded {
    const struct aggregate *aggregate;
    struct text id;
    int64_t version;     /* 0: it does not exist */
    void *root;          /* zeroed if it does not exist */
    struct text part_id; /* absent: no part was asked for */
    struct part_slot slot;
    bool hurries; /* after staging: something waits until it is flushed */
};

/* What is remembered of a command, to answer it again the same way. */
struct remembered {
    struct text subject; /* the aggregate's id */
    int64_t version;
    struct text request_hash;
    int64_t time_us; /* partition time */
    bool lasting;    /* of a deadline or a reaction: never forgotten */
};

/* One event on its way into the index. */
struct recorded_event {
    const struct log_event *envelope;
    int kind;
    const void *value;
    int64_t place; /* in the log: see struct log_event */
};

/* Loads what the caller has named with .aggregate, .id and, if a part is asked for, .part_id, into
 * a *loaded that is zero otherwise. States of another revision are folded again first. */
MUST_CHECK bool store_load(const struct store *store, struct loaded *loaded, struct arena *arena,
                           struct error *error);

/* *ret_found is false if this command is not known. Texts come from the arena. */
MUST_CHECK bool store_find_command(const struct store *store, const struct uuid *command_id,
                                   struct arena *arena, struct remembered *ret_remembered,
                                   bool *ret_found, struct error *error);

/* Folds events of one command into *loaded and puts events, states and the command's answer into
 * the index, the last envelope's offset as where the commit ends, unsealed: index_seal or
 * index_abandon is the caller's. */
MUST_CHECK bool store_stage(const struct store *store, struct loaded *loaded,
                            const struct recorded_event *events, size_t count, struct arena *arena,
                            struct error *error);

/* A commit read from the log: decodes, folds, stages. SCHEMA_UNKNOWN: written by a newer version.
 */
MUST_CHECK bool store_apply(const struct store *store, const struct log_event *events, size_t count,
                            struct arena *arena, struct error *error);

/* NULL if the context has none of that name. */
const struct aggregate *store_find_aggregate(const struct store *store, struct text name);

/* Where `record` stands among the context's events; asserts that it is one. */
int store_event_kind(const struct store *store, const struct record *record);

/* A number that changes when aggregates' deadlines, what reactions want, or the layout of the index
 * does. A revision is each state's own. */
uint32_t store_format(void);
