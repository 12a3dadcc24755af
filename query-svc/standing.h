/* One view's positions as last polled. No locks: the owner's. */
#pragma once

#include "query-svc/views.h"

struct standing_entry {
    bool known; /* something was read of this context and partition */
    struct uuid log;
    int64_t next;
    int64_t end;           /* negative: not known, or not heard of lately */
    int64_t parked;        /* events */
    bool told;             /* a row says so */
    int64_t fresh_boot_us; /* everything appended until then is in the view; 0: not known */
    int64_t goal;          /* once an end of the log, not reached then */
    int64_t goal_boot_us;  /* when; 0: there is none */
};

struct standing {
    const struct view *view;
    int32_t partitions;
    size_t context_count;
    struct standing_entry *entries; /* context by context, a partition each */
    bool polled;
};

MUST_CHECK bool standing_init(struct standing *standing, const struct view *view,
                              int32_t partitions);
void standing_done(struct standing *standing);
/* `rows` are of view_position_record, read just now. */
void standing_set(struct standing *standing, const struct db_rows *rows, int64_t now_boot_us);
/* As if never polled: nothing is reached, nothing can be described. */
void standing_forget(struct standing *standing);
enum view_outcome standing_judge(const struct standing *standing, const struct log_mark *marks,
                                 size_t mark_count);
MUST_CHECK bool standing_describe(const struct standing *standing, int32_t partition,
                                  int64_t now_boot_us, struct arena *arena,
                                  struct view_standing *ret_standing);
/* Changes whenever the view has moved there; negative: not known. */
int64_t standing_progress(const struct standing *standing, int32_t partition);
/* Where a mark stands something is parked: maybe its own commit. */
bool standing_parks_near(const struct standing *standing, const struct log_mark *marks,
                         size_t mark_count);
/* Everything appended until so long ago is in the view; negative: not known. */
int64_t standing_age_us(const struct standing *standing, int32_t partition, int64_t now_boot_us);
/* Records of the log between the view and its end; negative: not known. */
int64_t standing_lag(const struct standing *standing, int32_t partition);
