/* Records of a commit are held back until it is complete, cut off, or the reading ends; all others
 * are handed on at once. Where reading begins in the middle, it begins some way before: behind a
 * claim the state of the fence is known exactly. */
#include "lib/log/inspector.h"

#include "lib/log/envelope_wire.h"
#include "lib/log/judge.h"
#include "lib/log/writer.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define POLL_MESSAGES_MAX 1024
#define LOOK_BACK_RECORDS 1000
#define LOOK_BACK_GROWTH  16

struct held_record {
    struct log_message message;
    struct log_event event;
};

struct inspected_source {
    struct log_inspecting inspecting;
    int32_t number; /* the port's */
    uint64_t fetch;
    int64_t look_back;
    int64_t next;
    struct fence fence;
    bool fence_known;
    struct uuid log; /* zero: no claim seen yet */
    bool probing;    /* reads from the beginning, for the log's identity only */
    bool done;
    struct held_record held[LOG_COMMIT_RECORDS_MAX]; /* of the open commit */
    size_t held_count;
};

struct log_inspector {
    struct log_port *port;
    struct log_inspector_handler handler;
    struct inspected_source **sources;
    int32_t source_count;
    int64_t missing;
    struct log_message messages[POLL_MESSAGES_MAX];
};

static const struct uuid no_log;

static const struct record_verdict_entry entries[RECORD_VERDICT_COUNT] = {
#define RECORD_ROW(verdict, name_, is_void_, why_)                                                 \
    [RECORD_##verdict] = {.name = (name_), .is_void = (is_void_), .why = (why_)},
    RECORD_VERDICTS(RECORD_ROW)
#undef RECORD_ROW
};

const struct record_verdict_entry *record_verdict_entry(enum record_verdict verdict)
{
    assert(verdict > RECORD_UNDECIDED && verdict < RECORD_VERDICT_COUNT);
    return &entries[verdict];
}

struct log_inspector *log_inspector_create(struct log_port *port,
                                           const struct log_inspector_handler *handler,
                                           struct error *error)
{
    struct log_inspector *inspector = calloc(1, sizeof(*inspector));

    if (inspector == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "log inspector");
        return NULL;
    }
    inspector->port = port;
    inspector->handler = *handler;
    return inspector;
}

static void release_held(struct log_inspector *inspector, struct inspected_source *source)
{
    for (size_t i = 0; i < source->held_count; i++)
        inspector->port->release(inspector->port, &source->held[i].message);
    source->held_count = 0;
}

struct log_inspector *log_inspector_destroy(struct log_inspector *inspector)
{
    if (inspector == NULL)
        return NULL;
    for (int32_t i = 0; i < inspector->source_count; i++) {
        struct inspected_source *source = inspector->sources[i];
        release_held(inspector, source);
        inspector->port->fetch_stop(inspector->port, source->number);
        free(source);
    }
    free(inspector->sources);
    free(inspector);
    return NULL;
}

/* Begins further back than before: where the fence is known, or a claim may be found. */
static void look_back(struct log_inspector *inspector, struct inspected_source *source)
{
    const struct log_inspecting *inspecting = &source->inspecting;
    int64_t available = inspecting->from - inspecting->first;

    source->fence = (struct fence){.term = LOG_OFFSET_NONE};
    source->fence_known = source->look_back >= available;
    source->next = source->fence_known ? inspecting->first : inspecting->from - source->look_back;
    source->look_back *= LOOK_BACK_GROWTH;
    source->fetch = inspector->port->fetch(inspector->port, source->number, source->next);
}

bool log_inspector_attach(struct log_inspector *inspector, const struct log_inspecting *inspecting,
                          int32_t *ret_source, struct error *error)
{
    struct log_port *port = inspector->port;
    struct inspected_source **grown =
        realloc(inspector->sources,
                ((size_t)inspector->source_count + 1) * sizeof(struct inspected_source *));
    if (grown == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "log inspector");
    inspector->sources = grown;
    struct inspected_source *source = calloc(1, sizeof(*source));
    if (source == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "log inspector");
    if (!port->open(port, inspecting->topic, inspecting->partition, &source->number, error)) {
        free(source);
        return error_add(error, "reading %s/%d", inspecting->topic, inspecting->partition);
    }
    assert(source->number == inspector->source_count && inspecting->from >= inspecting->first);
    source->inspecting = *inspecting;
    source->look_back = LOOK_BACK_RECORDS;
    source->done = inspecting->until != LOG_OFFSET_NONE && inspecting->from >= inspecting->until;
    grown[source->number] = source;
    inspector->source_count++;
    *ret_source = source->number;
    source->probing = inspecting->from - inspecting->first > source->look_back;
    if (source->done)
        return true;
    if (source->probing)
        source->fetch = port->fetch(port, source->number, inspecting->first);
    else
        look_back(inspector, source);
    return true;
}

static void hand_on(struct log_inspector *inspector, const struct inspected_source *source,
                    const struct log_inspection *inspection)
{
    if (inspection->message->offset >= source->inspecting.from)
        inspector->handler.record(inspector->handler.self, inspection);
}

static void hand_on_held(struct log_inspector *inspector, struct inspected_source *source,
                         enum record_verdict verdict)
{
    for (size_t i = 0; i < source->held_count; i++) {
        const struct held_record *held = &source->held[i];
        bool platform = verdict == RECORD_EVENT && platform_is(&held->event);
        hand_on(inspector, source,
                &(struct log_inspection){
                    .verdict = platform ? RECORD_PLATFORM : verdict,
                    .source = source->number,
                    .log = &source->log,
                    .port = inspector->port,
                    .message = &held->message,
                    .event = &held->event,
                    .commit_offset = source->held[source->held_count - 1].message.offset,
                });
    }
    release_held(inspector, source);
}

static enum record_verdict why_void(const struct log_inspector *inspector,
                                    const struct fence *fence, const struct log_message *message)
{
    struct log_event event;

    if (envelope_read(inspector->port, message, &event) != ENVELOPE_FENCED)
        return RECORD_MALFORMED;
    if (fence->term == LOG_OFFSET_NONE)
        return RECORD_UNCLAIMED;
    if (event.fence.term != fence->term)
        return RECORD_FOREIGN_TERM;
    if (event.fence.seq <= fence->seq)
        return RECORD_REPEATED;
    return event.fence.seq > fence->seq + 1 ? RECORD_AHEAD : RECORD_MISNUMBERED;
}

static void hold(struct inspected_source *source, struct log_message *message,
                 const struct log_event *event)
{
    assert(source->held_count < LOG_COMMIT_RECORDS_MAX);
    source->held[source->held_count++] = (struct held_record){.message = *message, .event = *event};
    message->handle = NULL;
}

static void judge(struct log_inspector *inspector, struct inspected_source *source,
                  struct log_message *message)
{
    struct log_inspection inspection = {
        .source = source->number,
        .log = &source->log,
        .port = inspector->port,
        .message = message,
    };
    struct log_event event;
    struct platform_claim claim;

    switch (judge_message(inspector->port, message, &source->fence, &event, &claim)) {
    case JUDGED_VOID:
        inspection.verdict = why_void(inspector, &source->fence, message);
        inspection.event = inspection.verdict == RECORD_MALFORMED ? NULL : &event;
        if (source->fence_known)
            hand_on(inspector, source, &inspection);
        break;
    case JUDGED_CLAIM:
        source->fence_known = true;
        if (uuid_equal(&source->log, &no_log))
            source->log = claim.log;
        hand_on_held(inspector, source, RECORD_CUT_OFF);
        inspection.verdict = RECORD_CLAIM;
        inspection.event = &event;
        inspection.claim = &claim;
        hand_on(inspector, source, &inspection);
        break;
    case JUDGED_PART: hold(source, message, &event); break;
    case JUDGED_COMMIT:
        hold(source, message, &event);
        hand_on_held(inspector, source, RECORD_EVENT);
        break;
    }
}

static void end_if_read(struct log_inspector *inspector, struct inspected_source *source)
{
    if (source->inspecting.until == LOG_OFFSET_NONE || source->next < source->inspecting.until)
        return;
    hand_on_held(inspector, source, RECORD_UNFINISHED);
    source->done = true;
    source->fetch = 0;
    inspector->port->fetch_stop(inspector->port, source->number);
}

static void stop(struct log_inspector *inspector, struct inspected_source *source,
                 const struct error *error)
{
    release_held(inspector, source);
    source->done = true;
    source->fetch = 0;
    inspector->port->fetch_stop(inspector->port, source->number);
    inspector->handler.stopped(inspector->handler.self, source->number, error);
}

/* Up to `offset`, without it, all has been delivered. False: begun again further back. */
static bool pass_to(struct log_inspector *inspector, struct inspected_source *source,
                    int64_t offset)
{
    if (!source->fence_known && offset >= source->inspecting.from) {
        look_back(inspector, source);
        return false;
    }
    inspector->missing += offset - source->next;
    source->next = offset;
    return true;
}

static void take_record(struct log_inspector *inspector, struct inspected_source *source,
                        struct log_message *message)
{
    int64_t until = source->inspecting.until, reached = message->offset;

    if (until != LOG_OFFSET_NONE && reached > until)
        reached = until;
    if (reached < source->next || !pass_to(inspector, source, reached) || reached == until)
        return;
    judge(inspector, source, message);
    source->next = reached + 1;
}

/* The first claim names the log. */
static void probe(struct log_inspector *inspector, struct inspected_source *source,
                  const struct log_message *message)
{
    struct fence fence = {.term = LOG_OFFSET_NONE};
    struct log_event event;
    struct platform_claim claim;
    bool passed = message->offset >= source->inspecting.from;

    if (message->kind == LOG_MESSAGE_RECORD && !passed) {
        if (judge_message(inspector->port, message, &fence, &event, &claim) != JUDGED_CLAIM)
            return;
        source->log = claim.log;
    }
    source->probing = false;
    look_back(inspector, source);
}

static void take(struct log_inspector *inspector, struct log_message *message)
{
    struct inspected_source *source = inspector->sources[message->source];
    struct error error;

    if (message->fetch != source->fetch || source->done)
        return;
    if (source->probing && message->kind != LOG_MESSAGE_OUT_OF_RANGE &&
        message->kind != LOG_MESSAGE_DAMAGED) {
        probe(inspector, source, message);
        return;
    }
    switch (message->kind) {
    case LOG_MESSAGE_RECORD: take_record(inspector, source, message); break;
    case LOG_MESSAGE_END:
        if (message->offset >= source->next)
            (void)pass_to(inspector, source, message->offset);
        break;
    case LOG_MESSAGE_OUT_OF_RANGE:
        error_set(&error, FAULT_LOG_TRUNCATED, "there is no record %" PRId64, source->next);
        stop(inspector, source, &error);
        return;
    case LOG_MESSAGE_DAMAGED:
        error_set(&error, FAULT_DATA_CORRUPT, "the log is damaged at %" PRId64, message->offset);
        stop(inspector, source, &error);
        return;
    }
    end_if_read(inspector, source);
}

static size_t poll_once(struct log_inspector *inspector)
{
    struct log_port *port = inspector->port;
    size_t count = port->poll(port, inspector->messages, POLL_MESSAGES_MAX);

    for (size_t i = 0; i < count; i++) {
        struct log_message *message = &inspector->messages[i];
        take(inspector, message);
        if (message->handle != NULL)
            port->release(port, message);
    }
    return count;
}

size_t log_inspector_poll(struct log_inspector *inspector, int timeout_ms)
{
    size_t count = poll_once(inspector);

    if (count > 0 || timeout_ms == 0 || log_inspector_at_end(inspector))
        return count;
    inspector->port->wait(inspector->port, timeout_ms);
    return poll_once(inspector);
}

bool log_inspector_at_end(const struct log_inspector *inspector)
{
    for (int32_t i = 0; i < inspector->source_count; i++)
        if (!inspector->sources[i]->done)
            return false;
    return true;
}

int64_t log_inspector_missing(const struct log_inspector *inspector)
{
    return inspector->missing;
}
