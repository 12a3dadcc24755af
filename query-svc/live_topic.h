/* One thing that is followed: what was asked, the newest event, and who listens. The lock is the
 * owner's, but for what the pipeline has while a question is under way. */
#pragma once

#include "lib/core/arena.h"
#include "lib/web/stream.h"
#include "query-svc/live.h"

struct listener {
    struct web_stream *stream;
    int64_t opened_boot_us;
    int64_t beat_boot_us; /* when it last got anything */
    struct listener *next;
};

struct live_topic {
    struct live *live;
    const struct question *question;
    struct question_line *line;
    const void *input;
    struct text key; /* the input as JSON: equal when the same is asked */
    int32_t partition;
    struct arena arena; /* of what was asked */

    struct listener *listeners;
    struct web_event *event; /* NULL: no answer yet */
    int64_t progress;        /* of the view when it was asked last */
    int64_t due_boot_us;     /* not asked before */
    bool under_way;

    struct arena asking; /* the pipeline's while under way */
    struct db_question rows;
    struct view_standing standing;
    struct live_topic *next;
};

/* NULL: out of memory. */
MUST_CHECK struct live_topic *live_topic_create(struct live *live, const struct live_wish *wish);
/* Nobody listens, nothing is under way. Returns NULL. */
struct live_topic *live_topic_destroy(struct live_topic *topic);
bool live_topic_is(const struct live_topic *topic, const struct live_wish *wish, struct text key);
/* The input of a wish as JSON, into `out`. */
void live_topic_key(const struct live_wish *wish, struct buffer *out);

MUST_CHECK bool live_topic_add(struct live_topic *topic, struct web_stream *stream,
                               struct text seen, int64_t now_boot_us);
/* Drops those who have gone or been there too long, and shows the others a sign of life. Returns
 * how many it dropped. */
size_t live_topic_look_after(struct live_topic *topic, int64_t now_boot_us);
/* Sends the answer to all if it is another than the last. On the pipeline's thread, locked. */
void live_topic_take(struct live_topic *topic, const struct db_rows *rows, int64_t now_boot_us);
/* Ends all streams. */
size_t live_topic_close(struct live_topic *topic);
