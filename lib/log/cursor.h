/* One partition read from a stored position on: compared with the log first, then record by record.
 * What writer and reader share. One thread. */
#pragma once

#include "lib/log/judge.h"
#include "lib/log/reader.h"

enum cursor_phase {
    CURSOR_IDLE = 1,
    CURSOR_PROBING,   /* looks for the first claim, which names the log */
    CURSOR_VERIFYING, /* looks at the record the position stands behind */
    CURSOR_READING,
    CURSOR_CROSSING, /* the owner reads what stands between two of its own records */
};

enum cursor_outcome {
    CURSOR_NOTHING = 1,
    CURSOR_ADVANCED, /* position moved over platform or void records */
    CURSOR_COMMIT,   /* position moved behind a commit: cursor->events, cursor->event_count */
    CURSOR_PLATFORM, /* the same of a platform record that says something: cursor->events[0] */
    CURSOR_DEPOSED,  /* CROSSING met a claim or a valid record */
    CURSOR_STOPPED,  /* cannot be read on; *error says why */
};

struct cursor {
    struct log_port *port;                    /* borrowed */
    struct log_reader_statistics *statistics; /* borrowed */
    int32_t source;
    int32_t partition_count; /* that the log must have; 0: any */
    enum cursor_phase phase;
    uint64_t fetch;               /* whose messages count */
    struct log_position position; /* never inside an open commit */
    struct fence fence;           /* of the record before `next`, open commit included */
    struct uuid claimant;         /* whose claim was read last */
    int64_t next;                 /* offset of the next record to be read */
    int64_t time_us;              /* running maximum of append times up to there */
    int64_t limit;                /* CROSSING: the own record that ends it */
    int64_t hole;                 /* where records were missing, and asked for again */
    int64_t target;               /* the end when reading began; NONE: not known yet */
    bool caught_up;               /* has been read to it */
    int64_t short_since_us;       /* boot time since when the log seems too short; 0: it does not */
    int64_t retry_due_us;         /* boot time to look again; 0: nothing to wait for */
    struct log_event *events;     /* of the open commit, or the one just completed */
    struct log_message *held;     /* their messages */
    size_t event_count;
    size_t capacity;
};

void cursor_init(struct cursor *cursor, struct log_port *port, int32_t source,
                 struct log_reader_statistics *statistics);
void cursor_done(struct cursor *cursor); /* also ends its fetch */

/* Begins at `from`, after comparing it with the log. */
void cursor_attach(struct cursor *cursor, const struct log_position *from);
/* Begins again at its own position, without comparing. */
void cursor_resume(struct cursor *cursor);
/* Reads nothing more for now; an open commit is forgotten, position and fence stay. */
void cursor_pause(struct cursor *cursor);
/* Reads on from `next` to see whether anything before `limit` counts; over once `next` is there. */
void cursor_cross(struct cursor *cursor, int64_t limit);

/* Looks again at a log that seemed too short, when it is time to. */
void cursor_tick(struct cursor *cursor, int64_t now_us);

/* Takes the message. After COMMIT and PLATFORM the events stay until cursor_release or
 * cursor_surrender. */
enum cursor_outcome cursor_take(struct cursor *cursor, struct log_message *message,
                                struct error *error);
void cursor_release(struct cursor *cursor);
/* The messages of the commit go to the caller: event_count of them. */
void cursor_surrender(struct cursor *cursor, struct log_message *ret_messages);

/* The owner's own record, reported at exactly `next`: counts as read. True if it completed a commit
 * and the position moved. */
bool cursor_acknowledge(struct cursor *cursor, const struct log_fence *header,
                        int64_t append_time_us);
