/* The event is the whole answer, so one who comes back, however late, needs only the newest. */
#include "query-svc/live_topic.h"

#include "lib/core/buffer.h"
#include "lib/record/json.h"
#include "query-svc/answer.h"
#include "query-svc/service.h"
#include <stdlib.h>

#define ASKED_BYTES_MAX  ((size_t)64 * 1024)
#define ANSWER_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define BEAT_US          INT64_C(15000000)
/* Then the client comes again, with a token that must still be good. */
#define AGE_US_MAX INT64_C(900000000)

void live_topic_key(const struct live_wish *wish, struct buffer *out)
{
    json_write(wish->question->input, wish->input, out);
}

/* Inputs are flat: texts are all they point at. */
static const void *copy_input(const struct record *record, const void *input, struct arena *arena)
{
    char *copy = arena_copy(arena, input, record->size);

    for (size_t i = 0; copy != NULL && i < record->field_count; i++) {
        struct text *text = (void *)(copy + record->fields[i].offset);
        if (record->fields[i].kind != FIELD_TEXT || text->bytes == NULL)
            continue;
        *text = arena_copy_text(arena, *text);
        if (text->bytes == NULL)
            return NULL;
    }
    return copy;
}

static struct text copy_key(const struct live_wish *wish, struct arena *arena)
{
    struct buffer CLEANUP(buffer_done) key;

    buffer_init(&key, ASKED_BYTES_MAX);
    live_topic_key(wish, &key);
    if (key.failed)
        return (struct text){0};
    return arena_copy_text(arena, buffer_text(&key));
}

struct live_topic *live_topic_create(struct live *live, const struct live_wish *wish)
{
    struct live_topic *topic = calloc(1, sizeof *topic);

    if (topic == NULL)
        return NULL;
    topic->live = live;
    topic->question = wish->question;
    topic->line = wish->line;
    topic->partition = wish->partition;
    topic->progress = -1;
    arena_init(&topic->arena, ASKED_BYTES_MAX);
    arena_init(&topic->asking, ANSWER_BYTES_MAX);
    topic->input = copy_input(wish->question->input, wish->input, &topic->arena);
    topic->key = copy_key(wish, &topic->arena);
    return topic->input != NULL && topic->key.bytes != NULL ? topic : live_topic_destroy(topic);
}

struct live_topic *live_topic_destroy(struct live_topic *topic)
{
    web_event_release(topic->event);
    arena_done(&topic->arena);
    arena_done(&topic->asking);
    free(topic);
    return NULL;
}

bool live_topic_is(const struct live_topic *topic, const struct live_wish *wish, struct text key)
{
    return topic->question == wish->question && text_equal(topic->key, key);
}

bool live_topic_add(struct live_topic *topic, struct web_stream *stream, struct text seen,
                    int64_t now_boot_us)
{
    struct listener *listener = malloc(sizeof *listener);

    if (listener == NULL)
        return false;
    *listener = (struct listener){
        .stream = stream,
        .opened_boot_us = now_boot_us,
        .beat_boot_us = now_boot_us,
        .next = topic->listeners,
    };
    topic->listeners = listener;
    if (topic->event != NULL &&
        !(seen.bytes != NULL && text_equal(seen, web_event_id(topic->event))))
        web_stream_send(stream, topic->event);
    return true;
}

static bool is_over(struct listener *listener, int64_t now_boot_us)
{
    return !web_stream_is_open(listener->stream) ||
           now_boot_us - listener->opened_boot_us > AGE_US_MAX;
}

size_t live_topic_look_after(struct live_topic *topic, int64_t now_boot_us)
{
    struct listener **at = &topic->listeners;
    size_t dropped = 0;

    while (*at != NULL) {
        struct listener *listener = *at;
        if (is_over(listener, now_boot_us)) {
            web_stream_close(listener->stream);
            *at = listener->next;
            free(listener);
            dropped++;
            continue;
        }
        if (now_boot_us - listener->beat_boot_us >= BEAT_US) {
            web_stream_beat(listener->stream);
            listener->beat_boot_us = now_boot_us;
        }
        at = &listener->next;
    }
    return dropped;
}

size_t live_topic_close(struct live_topic *topic)
{
    size_t count = 0;

    while (topic->listeners != NULL) {
        struct listener *listener = topic->listeners;
        topic->listeners = listener->next;
        web_stream_close(listener->stream);
        free(listener);
        count++;
    }
    return count;
}

static void send_to_all(struct live_topic *topic, int64_t now_boot_us)
{
    for (struct listener *at = topic->listeners; at != NULL; at = at->next) {
        web_stream_send(at->stream, topic->event);
        at->beat_boot_us = now_boot_us;
    }
}

static void replace_event(struct live_topic *topic, struct text type, struct text data,
                          int64_t now_boot_us)
{
    if (topic->event != NULL && text_equal(web_event_data(topic->event), data))
        return;
    web_event_release(topic->event);
    topic->event = web_event_create(type, text_of(topic->standing.position), data);
    if (topic->event != NULL) /* no memory: the next answer counts as new */
        send_to_all(topic, now_boot_us);
}

void live_topic_take(struct live_topic *topic, const struct db_rows *rows, int64_t now_boot_us)
{
    const struct answering with = {topic->question, topic->input, &topic->asking,
                                   &topic->line->rendering};
    struct answer answer = {0};

    answer_rows(&answer, &with, rows);
    if (answer.fault != FAULT_NONE)
        return;
    if (answer.problem == NULL) {
        replace_event(topic, text_of("answer"), answer.body, now_boot_us);
        return;
    }
    buffer_clear(with.rendering);
    problem_write(answer.problem, text_of(""), with.rendering);
    replace_event(topic, text_of("problem"), buffer_text(with.rendering), now_boot_us);
}
