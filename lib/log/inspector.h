/* For tools: every record of some partitions in order, with the readers' verdict on it and, where
 * it is void, why. Judges from the newest claim before the first record wanted, so that the end of
 * a long log can be looked at without reading all of it. One thread. */
#pragma once

#include "lib/core/error.h"
#include "lib/log/envelope.h"
#include "lib/log/platform.h"
#include "lib/log/port.h"

/* verdict, its name, void, why */
#define RECORD_VERDICTS(X)                                                                         \
    X(CLAIM, "claim", false, "opens a term")                                                       \
    X(PLATFORM, "platform", false, "a record of the log itself")                                   \
    X(EVENT, "event", false, "valid, of a whole commit")                                           \
    X(UNFINISHED, "unfinished", false, "valid, but the rest of its commit is not there yet")       \
    X(MALFORMED, "malformed", true, "no envelope, or one that breaks its own format")              \
    X(UNCLAIMED, "unclaimed", true, "nobody had claimed the partition")                            \
    X(FOREIGN_TERM, "foreign_term", true, "its writer was not the owner (a zombie, or a copy)")    \
    X(REPEATED, "repeated", true, "this number of the term was there before (a copy)")             \
    X(AHEAD, "ahead", true, "a record before it in the term never came")                           \
    X(MISNUMBERED, "misnumbered", true, "does not number its commit as that goes on")              \
    X(CUT_OFF, "cut_off", true, "a claim came before its commit was complete")

enum record_verdict {
    RECORD_UNDECIDED,
#define RECORD_VERDICT(name, text, is_void, why) RECORD_##name,
    RECORD_VERDICTS(RECORD_VERDICT)
#undef RECORD_VERDICT
        RECORD_VERDICT_COUNT,
};

struct record_verdict_entry {
    const char *name;
    bool is_void;
    const char *why;
};
const struct record_verdict_entry *record_verdict_entry(enum record_verdict verdict);

/* Borrowed for the call. */
struct log_inspection {
    enum record_verdict verdict;
    int32_t source;
    const struct uuid *log;      /* the partition's identity; zero: not claimed yet */
    const struct log_port *port; /* for the message's headers */
    const struct log_message *message;
    const struct log_event *event;      /* NULL: malformed */
    const struct platform_claim *claim; /* of a CLAIM, else NULL */
    int64_t commit_offset;              /* of an EVENT: where its commit ends */
};

struct log_inspector;

struct log_inspector_handler {
    void *self;
    void (*record)(void *self, const struct log_inspection *inspection);
    /* This partition cannot be read on. */
    void (*stopped)(void *self, int32_t source, const struct error *error);
};

MUST_CHECK struct log_inspector *log_inspector_create(struct log_port *port,
                                                      const struct log_inspector_handler *handler,
                                                      struct error *error);
struct log_inspector *log_inspector_destroy(struct log_inspector *inspector); /* NULL accepted */

struct log_inspecting {
    const char *topic;
    int32_t partition;
    int64_t first; /* the oldest record there is */
    int64_t from;  /* the first one wanted; not below `first` */
    int64_t until; /* the first one not wanted; NONE: goes on as the log grows */
};

/* *ret_source numbers them from 0. */
MUST_CHECK bool log_inspector_attach(struct log_inspector *inspector,
                                     const struct log_inspecting *inspecting, int32_t *ret_source,
                                     struct error *error);
/* Hands on what is there, waiting up to timeout_ms for the first. How many records were read. */
size_t log_inspector_poll(struct log_inspector *inspector, int timeout_ms);
/* Every partition has been read to its `until`, or stopped. */
bool log_inspector_at_end(const struct log_inspector *inspector);
/* The copy that a transaction or a compaction left out: offsets without a record. */
int64_t log_inspector_missing(const struct log_inspector *inspector);
