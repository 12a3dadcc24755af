/* What the log says, by a reader of its own: it shares no line with lib/log's, so that a mistake
 * there cannot hide itself. */
#pragma once

#include "command-svc/aggregate.h"
#include "lib/core/arena.h"
#include "lib/log/envelope.h"

struct world;

struct history_event {
    const struct record *record;
    struct event seen; /* as evolve takes it */
    struct text payload;
    struct uuid id;
};

/* An aggregate's events. */
struct stream {
    const struct aggregate *aggregate;
    struct text id;
};

struct history_commit {
    int context;
    int32_t partition;
    int64_t first_offset, last_offset;
    int64_t appended_us; /* real time of the last record */
    struct uuid command_id;
    uint8_t request_hash[REQUEST_HASH_SIZE];
    int attempt; /* that wrote it */
    struct stream stream;
    struct history_event *events;
    int count;
};

struct history {
    struct arena arena;
    struct history_commit *commits; /* context by context, partition by partition, in order */
    int commit_count;
    int64_t void_count;
};

/* All partitions of all contexts, from their beginnings. */
void history_read(struct history *history, const struct world *world);
void history_done(struct history *history);

const struct history_commit *history_find(const struct history *history,
                                          const struct uuid *command_id);

/* A stream as it was after its first `commits` commits. */
struct past {
    int64_t version;
    void *root;
    struct part_slot slot;
    int64_t from_us; /* since when, in real time; 0: from the beginning */
    int64_t to_us;   /* until when; INT64_MAX: it still is */
};
/* False if the stream has fewer commits. Memory is the arena's. */
bool history_past(struct history *history, const struct stream *stream, int commits,
                  struct text part_id, struct past *ret_past);
bool stream_equal(const struct stream *a, const struct stream *b);
