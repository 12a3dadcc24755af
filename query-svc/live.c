/* The thread that asks again. It looks at the views' progress as the poller saw it last, so that a
 * topic whose view stands still costs nothing. */
#include "query-svc/live.h"

#include "lib/core/buffer.h"
#include "lib/core/clock.h"
#include "lib/core/condition.h"
#include "query-svc/live_topic.h"
#include "query-svc/query_metrics.h"
#include "query-svc/service.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define TOPIC_LISTS      4096 /* a power of two */
#define KEY_BYTES_MAX    ((size_t)64 * 1024)
#define TICK_US          INT64_C(50000)
#define LOOK_US          INT64_C(1000000)
#define AGAIN_US         INT64_C(100000) /* between two questions of one topic */
#define AFTER_FAILURE_US INT64_C(1000000)
#define ASK_TIMEOUT_US   INT64_C(5000000)
#define UNDER_WAY_MAX    64

struct live {
    struct live_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t changed;
    struct live_topic *topics[TOPIC_LISTS]; /* by key */
    size_t streams;
    size_t under_way;
    size_t first;  /* list to be looked at first: each has its turn */
    bool has_more; /* topics that are due, but too many questions were under way */
    bool wanted;   /* the thread, before its tick */
    bool stopping;
};

/* FNV-1a (Fowler, Noll, Vo). */
static size_t list_of(struct text key)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ (uint8_t)key.bytes[i]) * UINT64_C(1099511628211);
    return hash % TOPIC_LISTS;
}

static struct live_topic *get_topic(struct live *live, const struct live_wish *wish)
{
    struct buffer CLEANUP(buffer_done) key;
    struct live_topic **list, *topic;

    buffer_init(&key, KEY_BYTES_MAX);
    live_topic_key(wish, &key);
    if (key.failed)
        return NULL;
    list = &live->topics[list_of(buffer_text(&key))];
    for (topic = *list; topic != NULL; topic = topic->next)
        if (live_topic_is(topic, wish, buffer_text(&key)))
            return topic;
    topic = live_topic_create(live, wish);
    if (topic == NULL)
        return NULL;
    topic->next = *list;
    *list = topic;
    live->wanted = true;
    pthread_cond_signal(&live->changed);
    return topic;
}

/* Counts the stream before it is opened, for opening cannot be taken back. */
static enum fault reserve(struct live *live)
{
    enum fault fault = FAULT_NONE;

    pthread_mutex_lock(&live->lock);
    if (live->stopping)
        fault = FAULT_SHUTTING_DOWN;
    else if (live->streams >= live->options.streams_max)
        fault = FAULT_OVERLOADED;
    else
        live->streams++;
    pthread_mutex_unlock(&live->lock);
    return fault;
}

static void give_back(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    live->streams--;
    pthread_mutex_unlock(&live->lock);
}

static bool listen_to(struct live *live, struct web_stream *stream, const struct live_wish *wish)
{
    bool added = false;

    pthread_mutex_lock(&live->lock);
    struct live_topic *topic = live->stopping ? NULL : get_topic(live, wish);
    if (topic != NULL)
        added = live_topic_add(topic, stream, wish->seen, clock_boot_us());
    pthread_mutex_unlock(&live->lock);
    return added;
}

void live_open(struct live *live, struct web_request *request, const struct live_wish *wish)
{
    enum fault fault = reserve(live);

    if (fault != FAULT_NONE) {
        web_fault(request, fault);
        return;
    }
    struct web_stream *stream = web_stream_open(request);
    if (stream != NULL && listen_to(live, stream, wish))
        return;
    web_stream_close(stream);
    give_back(live);
}

/* On the pipeline's thread. */
static void take_rows(struct db_question *question, const struct db_rows *rows,
                      const struct error *error)
{
    struct live_topic *topic = question->user;
    struct live *live = topic->live;
    int64_t now_boot_us = clock_boot_us();

    pthread_mutex_lock(&live->lock);
    topic->under_way = false;
    live->under_way--;
    if (live->has_more && live->under_way <= UNDER_WAY_MAX / 2)
        live->wanted = true;
    if (error->fault == FAULT_NONE) {
        topic->due_boot_us = now_boot_us + AGAIN_US;
        live_topic_take(topic, rows, now_boot_us);
    } else {
        topic->due_boot_us = now_boot_us + AFTER_FAILURE_US;
        topic->progress = -1;
    }
    pthread_cond_signal(&live->changed);
    pthread_mutex_unlock(&live->lock);
}

/* Where the view stands is taken before the rows are asked for: they are never older. */
static bool ask(struct live *live, struct live_topic *topic, int64_t now_boot_us)
{
    struct error error = {0};
    const struct question *question = topic->question;

    arena_reset(&topic->asking);
    if (!views_describe(live->options.views, question->view, topic->partition, &topic->asking,
                        &topic->standing))
        return false;
    topic->rows.arena = &topic->asking;
    topic->rows.deadline_boot_us = now_boot_us + ASK_TIMEOUT_US;
    topic->rows.answer = take_rows;
    topic->rows.user = topic;
    topic->rows.statement = question->bind(topic->input, &topic->asking, topic->rows.values);
    return topic->rows.statement != NULL &&
           db_pipeline_ask(topic->line->pipeline, &topic->rows, &error);
}

static void ask_if_moved(struct live *live, struct live_topic *topic, int64_t now_boot_us)
{
    int64_t progress = views_progress(live->options.views, topic->question->view, topic->partition);

    if (topic->under_way || now_boot_us < topic->due_boot_us || progress == topic->progress)
        return;
    if (live->under_way >= UNDER_WAY_MAX) {
        live->has_more = true;
        return;
    }
    topic->under_way = true;
    live->under_way++;
    query_metrics_live_question();
    topic->progress = progress;
    if (ask(live, topic, now_boot_us))
        return;
    topic->under_way = false;
    live->under_way--;
    topic->progress = -1;
    topic->due_boot_us = now_boot_us + AFTER_FAILURE_US;
}

/* Asks what is to be asked; drops topics that nobody listens to any more. */
static void look_at_list(struct live *live, size_t number, bool look_after, int64_t now_boot_us)
{
    struct live_topic **at = &live->topics[number];

    while (*at != NULL) {
        struct live_topic *topic = *at;
        if (look_after)
            live->streams -= live_topic_look_after(topic, now_boot_us);
        if (topic->listeners == NULL && !topic->under_way) {
            *at = topic->next;
            live_topic_destroy(topic);
            continue;
        }
        ask_if_moved(live, topic, now_boot_us);
        at = &topic->next;
    }
}

static void look_around(struct live *live, bool look_after, int64_t now_boot_us)
{
    size_t first = live->first;

    live->wanted = live->has_more = false;
    for (size_t i = 0; i < TOPIC_LISTS; i++) {
        size_t number = (first + i) % TOPIC_LISTS;
        bool had_more = live->has_more;
        look_at_list(live, number, look_after, now_boot_us);
        if (live->has_more && !had_more)
            live->first = number;
    }
    query_metrics_streams((int64_t)live->streams);
}

static void sleep_a_tick(struct live *live)
{
    struct timespec until = condition_deadline(TICK_US);

    while (!live->stopping && !live->wanted)
        if (pthread_cond_timedwait(&live->changed, &live->lock, &until) != 0)
            break;
}

static void *run(void *argument)
{
    struct live *live = argument;
    int64_t looked_boot_us = 0;

    pthread_mutex_lock(&live->lock);
    while (!live->stopping) {
        int64_t now_boot_us = clock_boot_us();
        bool look_after = now_boot_us - looked_boot_us >= LOOK_US;
        if (live->streams > 0)
            look_around(live, look_after, now_boot_us);
        if (look_after)
            looked_boot_us = now_boot_us;
        sleep_a_tick(live);
    }
    pthread_mutex_unlock(&live->lock);
    return NULL;
}

struct live *live_start(const struct live_options *options, struct error *error)
{
    struct live *live = calloc(1, sizeof *live);

    if (live == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "live answers");
        return NULL;
    }
    live->options = *options;
    pthread_mutex_init(&live->lock, NULL);
    condition_init(&live->changed);
    if (pthread_create(&live->thread, NULL, run, live) == 0)
        return live;
    error_set(error, FAULT_IO_FAILED, "a thread for live answers");
    pthread_cond_destroy(&live->changed);
    pthread_mutex_destroy(&live->lock);
    free(live);
    return NULL;
}

static void close_streams(struct live *live)
{
    for (size_t i = 0; i < TOPIC_LISTS; i++)
        for (struct live_topic *topic = live->topics[i]; topic != NULL; topic = topic->next)
            live->streams -= live_topic_close(topic);
}

void live_end(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    live->stopping = true;
    close_streams(live);
    pthread_cond_signal(&live->changed);
    pthread_mutex_unlock(&live->lock);
}

struct live *live_stop(struct live *live)
{
    if (live == NULL)
        return NULL;
    live_end(live);
    pthread_join(live->thread, NULL);
    pthread_mutex_lock(&live->lock);
    while (live->under_way > 0)
        pthread_cond_wait(&live->changed, &live->lock);
    pthread_mutex_unlock(&live->lock);
    for (size_t i = 0; i < TOPIC_LISTS; i++)
        while (live->topics[i] != NULL) {
            struct live_topic *topic = live->topics[i];
            live->topics[i] = topic->next;
            live_topic_destroy(topic);
        }
    pthread_cond_destroy(&live->changed);
    pthread_mutex_destroy(&live->lock);
    free(live);
    return NULL;
}
