/* How far the views are. One thread polls their positions: often while somebody waits, seldom
 * otherwise; everybody else looks at what it saw last. */
#pragma once

#include "lib/db/pipeline.h"
#include "lib/log/position.h"
#include "query-svc/question.h"

struct views;

enum view_outcome {
    VIEW_REACHED,
    VIEW_NOT_REACHED,
    VIEW_TOO_OLD,          /* what it has is older than asked for, or nobody knows how old */
    VIEW_POSITION_UNKNOWN, /* a mark of another log, or of a context or partition there is not */
    VIEW_UNAVAILABLE,      /* the database is away, or the process stops */
};

struct views_options {
    const char *conninfo;                         /* borrowed until stopped */
    const struct view *const *views;              /* NULL-terminated */
    const struct db_statement *const *statements; /* the views' positions */
    int32_t partitions;
    size_t waiters_max;
    int timeout_ms;
};

MUST_CHECK struct views *views_start(const struct views_options *options, struct error *error);
/* Ends all waiting with VIEW_UNAVAILABLE and refuses to wait from now on; standings stay as they
 * are. */
void views_end_waiting(struct views *views);
/* Nobody may ask any more. NULL accepted. */
struct views *views_stop(struct views *views);

/* Positions were read lately. */
bool views_fresh(struct views *views);
/* Why the last attempt to read them failed; FAULT_NONE: it did not. */
void views_trouble(struct views *views, struct error *ret_trouble);

#define VIEWS_ALL_PARTITIONS (-1)

/* Where a view stands, as headers say it; strings from the arena. False: nothing was read since the
 * database was last away, or the arena is full. */
struct view_standing {
    const char *position; /* marks, comma separated; empty: nothing read of any context */
    const char *lag;      /* records of the log; NULL: its end is not known, or not lately */
    const char *age_ms;   /* everything appended until so long ago is in; NULL: not known */
    const char *parked;   /* events; NULL: none */
};
MUST_CHECK bool views_describe(struct views *views, const struct view *view, int32_t partition,
                               struct arena *arena, struct view_standing *ret_standing);

/* Changes whenever the view has moved in that partition; negative: not known. */
int64_t views_progress(struct views *views, const struct view *view, int32_t partition);

/* Belongs to the asker until `done`, which is called once, on the poller's thread. */
struct view_waiter {
    const struct view *view;
    const struct log_mark *marks; /* those of contexts the view does not read are ignored */
    size_t mark_count;
    int32_t partition;  /* that the answer is about, or VIEWS_ALL_PARTITIONS */
    int64_t age_us_max; /* of what the view has of it; negative: any */
    int64_t deadline_boot_us;
    void (*done)(struct view_waiter *waiter, enum view_outcome outcome);
    void *user;
    struct view_waiter *next; /* the views' */
};

/* By what was seen last; NOT_REACHED, TOO_OLD: views_wait. */
enum view_outcome views_check(struct views *views, const struct view_waiter *waiter);
/* Something is parked where a mark stands: maybe its own commit. */
bool views_park_near(struct views *views, const struct view_waiter *waiter);
/* Any thread. At least one poll happens before the deadline counts. False (OVERLOADED,
 * DATABASE_UNAVAILABLE, SHUTTING_DOWN): not taken, done is not called. */
MUST_CHECK bool views_wait(struct views *views, struct view_waiter *waiter, struct error *error);
