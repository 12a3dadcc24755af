/* The owner's side of the claimed log (docs/ARCHITECTURE.md, "The claimed log"): claim, read up to
 * the claim, serve, acknowledge contiguously. One writer object serves all partitions of one shard
 * thread; every function is called on that thread, and nothing blocks but log_writer_wait. */
#pragma once

#include "lib/core/error.h"
#include "lib/log/envelope.h"
#include "lib/log/position.h"

struct log_writer;
struct log_partition;  /* one topic's partition inside a writer; borrowed from it, lives as long */
struct log_port;       /* the broker, real or simulated: lib/log/port.h */
struct platform_entry; /* lib/log/platform.h */

#define LOG_COMMIT_RECORDS_MAX 64
#define LOG_RECORD_BYTES_MAX   (256 * 1024)

enum log_state {
    LOG_FOLLOWING, /* reads what others write; not owned */
    LOG_CLAIMING,  /* a claim is on its way, or the log is being read up to it */
    LOG_SERVING,   /* may append */
    LOG_SETTLING, /* an outcome is unknown, or a gap is being read: appends are refused meanwhile */
    LOG_STOPPED,  /* refused for good (log replaced, truncated, regrown); says why in
                     log_partition_error */
};

/* What the owner of partitions supplies. Called inside log_writer_turn. */
struct log_owner {
    void *self;
    /* A valid commit of the log, in order, while FOLLOWING, CLAIMING or SETTLING: never one already
     * acknowledged. `after` is the position behind it. False (a fault) stops the partition. */
    bool (*apply)(void *self, struct log_partition *partition, const struct log_event *events,
                  size_t count, const struct log_position *after, struct error *error);
    /* The same of a platform record that says something, its body borrowed during the call. One
     * that only a newer version knows stops the partition. NULL: they move the position. */
    bool (*platform)(void *self, struct log_partition *partition,
                     const struct platform_entry *entry, const struct log_position *after,
                     struct error *error);
    /* Only claims, barriers or void records were read: the position moved, no more. */
    void (*advanced)(void *self, struct log_partition *partition, const struct log_position *after);
    /* The log has been read up to the own claim: appends are accepted from now on. */
    void (*serving)(void *self, struct log_partition *partition, const struct log_position *at);
    /* The oldest unacknowledged commit is durable and valid. In the order of appends. */
    void (*acknowledged)(void *self, struct log_partition *partition, uint64_t token,
                         const struct log_position *after);
    /* No longer serving. Commits appended and not acknowledged are undecided: those that made it
     * come through `apply`, the others did not happen: `settled` says when that is certain. The
     * owner forgets what it staged. */
    void (*deposed)(void *self, struct log_partition *partition);
    /* Read to a newer claim, the own or another's: what was undecided is decided. May be NULL. */
    void (*settled)(void *self, struct log_partition *partition, const struct log_position *at);
};

struct log_writer_options {
    int32_t partition_count;       /* that every topic must have */
    struct uuid incarnation;       /* of this process */
    int64_t settle_backoff_us_min; /* before claiming again */
    int64_t settle_backoff_us_max;
};

/* Takes nothing; `port` and `owner` must outlive the writer. */
MUST_CHECK struct log_writer *log_writer_create(struct log_port *port,
                                                const struct log_owner *owner,
                                                const struct log_writer_options *options,
                                                struct error *error);
void log_writer_destroy(struct log_writer *writer);

/* Copied; `user` comes back from log_partition_user. */
struct log_attachment {
    const char *topic;
    int32_t partition;
    const struct log_position *from;
    void *user;
};

/* Begins to follow a partition from there (compared with the log first: replaced or truncated logs
 * stop the partition). */
MUST_CHECK bool log_writer_attach(struct log_writer *writer,
                                  const struct log_attachment *attachment,
                                  struct log_partition **ret_partition, struct error *error);
/* Wants to own it: claims once the log has been read to near its end. */
void log_partition_claim(struct log_partition *partition);
/* Gives it up: appends nothing more, goes back to FOLLOWING once all reports are in. */
void log_partition_release(struct log_partition *partition);
bool log_partition_is_wanted(const struct log_partition *partition); /* claimed, not released */

/* Appends one commit, all or nothing. `token` comes back in `acknowledged`. Events are copied.
 * Faults: NOT_READY (not SERVING), OVERLOADED (too many bytes under way; nothing was appended),
 * LIMIT_EXCEEDED (count or size). */
MUST_CHECK bool log_partition_append(struct log_partition *partition,
                                     const struct log_event *events, size_t count, uint64_t token,
                                     struct error *error);
/* Appends a platform record as a commit of its own, like any other. Copied. */
MUST_CHECK bool log_partition_append_platform(struct log_partition *partition,
                                              const struct platform_entry *entry, uint64_t token,
                                              struct error *error);

enum log_state log_partition_state(const struct log_partition *partition);
void *log_partition_user(const struct log_partition *partition);
bool log_partition_is_near_end(const struct log_partition *partition); /* read to about its end */
bool log_partition_is_claimed_elsewhere(const struct log_partition *partition); /* newest claim */
const struct log_position *log_partition_position(const struct log_partition *partition);
size_t log_partition_unacknowledged(const struct log_partition *partition); /* commits */
int64_t log_partition_sent_seq(
    const struct log_partition *partition);                       /* of the last append; or 0 */
int64_t log_partition_end(const struct log_partition *partition); /* as last heard; or NONE */
/* Host's clock and append times, as the last own record showed (skew.h). */
bool log_partition_clock_agrees(const struct log_partition *partition);
int64_t log_partition_clock_ahead_us(const struct log_partition *partition);
/* Partition time: running maximum of append times plus monotonic time since, microseconds UTC. */
int64_t log_partition_now_us(const struct log_partition *partition);
/* The port's monotonic clock: what deadlines of callers are compared with. */
int64_t log_partition_boot_us(const struct log_partition *partition);
const struct error *log_partition_error(const struct log_partition *partition); /* STOPPED: why */

/* Works off reports and messages that are there, calls the owner, starts claims that are due.
 * Returns how many reports and messages it handled. */
size_t log_writer_turn(struct log_writer *writer);
void log_writer_wait(struct log_writer *writer, int timeout_ms); /* for work, wake, or timeout */
void log_writer_wake(struct log_writer *writer);                 /* any thread */
