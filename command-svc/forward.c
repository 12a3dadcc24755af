/* The passages of this process, waiting for an owner or sent to one, and the thread that looks
 * after them. */
#include "command-svc/forward.h"

#include "command-svc/metrics.h"
#include "command-svc/passage.h"
#include "lib/core/clock.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CONNECTIONS_PER_HOST 64
#define ANSWER_BYTES_MAX     (64 * 1024)
#define CONNECT_TIMEOUT_MS   500
#define LOOK_US              5000   /* at whoever waits, and whether owners have changed */
#define AGAIN_US_MIN         5000   /* before the same owner is asked again */
#define AGAIN_US_MAX         100000 /* it doubles up to here */
#define PATIENCE_US          50000  /* with an owner that has been succeeded, for its answer */
#define IDLE_MS              1000

struct forward {
    struct forward_options options;
    struct web_client *client;
    struct passage *passages; /* of the thread */
    int64_t look_boot_us;
    pthread_t thread;
    bool runs;
    _Atomic size_t count; /* taken and not ended */
    _Atomic bool stopping;
    int64_t stop_by_boot_us;
    pthread_mutex_t mutex; /* of what follows */
    struct call_queue taken;
    bool closed;
};

/* Ending */

static void unlink_passage(struct passage *passage)
{
    if (passage->previous != NULL)
        passage->previous->next = passage->next;
    else
        passage->forward->passages = passage->next;
    if (passage->next != NULL)
        passage->next->previous = passage->previous;
}

/* With finish, the memory of call and passage is somebody else's. */
static void end(struct passage *passage)
{
    struct forward *forward = passage->forward;
    struct call *call = passage->call;

    unlink_passage(passage);
    metrics_count(call);
    atomic_fetch_sub(&forward->count, 1);
    call->finish(call);
}

static void end_with(struct passage *passage, enum fault fault)
{
    call_fault(passage->call, passage_is_unresolved(passage) ? FAULT_OUTCOME_UNKNOWN : fault);
    end(passage);
}

/* Waiting */

static void wait_again(struct passage *passage)
{
    passage->state = PASSAGE_WAITING;
    passage->again_us = passage->again_us == 0 ? AGAIN_US_MIN : passage->again_us * 2;
    if (passage->again_us > AGAIN_US_MAX)
        passage->again_us = AGAIN_US_MAX;
    passage->again_boot_us = clock_boot_us() + passage->again_us;
}

/* Its answer */

static void take_answer(struct passage *passage)
{
    switch (passage_read(passage)) {
    case PASSAGE_TURNED_AWAY: wait_again(passage); break;
    case PASSAGE_FINAL: end(passage); break;
    case PASSAGE_UNCERTAIN:
        call_fault(passage->call, FAULT_OUTCOME_UNKNOWN);
        end(passage);
        break;
    }
}

static void exchange_done(struct web_exchange *exchange)
{
    struct passage *passage = exchange->user;

    switch (exchange->outcome) {
    case EXCHANGE_ANSWERED: take_answer(passage); break;
    case EXCHANGE_NOT_SENT: wait_again(passage); break;
    case EXCHANGE_BROKEN:
        passage_note_unresolved(passage);
        wait_again(passage);
        break;
    }
}

/* Sending */

/* From here on it may be in the log: whoever decides it looks there first. */
static void send(struct passage *passage, int64_t boot_us)
{
    struct forward *forward = passage->forward;
    struct error error;

    if (!passage_write(passage, &forward->options.key, boot_us)) {
        end_with(passage, FAULT_OUT_OF_MEMORY);
        return;
    }
    passage->exchange.done = exchange_done;
    passage->exchange.user = passage;
    if (!web_client_send(forward->client, &passage->exchange, &error)) {
        wait_again(passage);
        return;
    }
    passage->call->keyed = true;
    passage->state = PASSAGE_SENT;
    passage->succeeded_boot_us = 0;
}

static void keep(struct passage *passage)
{
    const struct forward *forward = passage->forward;
    struct call *call = passage->call;

    unlink_passage(passage);
    atomic_fetch_sub(&passage->forward->count, 1);
    call->outcome = CALL_OPEN;
    forward->options.keep(forward->options.user, call);
}

/* The newest owner heard of, unless it is older than one that was asked already. */
static bool find_owner(const struct passage *passage, struct owner *ret_owner)
{
    const struct call *call = passage->call;

    return owners_find(passage->forward->options.owners, call->command->aggregate->context,
                       call->partition, ret_owner) &&
           ret_owner->term >= passage->unresolved_term;
}

static void look_at_waiting(struct passage *passage, int64_t boot_us)
{
    const struct forward *forward = passage->forward;

    if (call_is_late(passage->call, boot_us))
        end_with(passage, FAULT_DEADLINE_PASSED);
    else if (boot_us < passage->again_boot_us || !find_owner(passage, &passage->to))
        return;
    else if (uuid_equal(&passage->to.incarnation, &forward->options.incarnation))
        keep(passage);
    else
        send(passage, boot_us);
}

/* A silent owner that has a successor: its copy is in the log before the successor's claim, or
 * void. */
static void look_at_sent(struct passage *passage, int64_t boot_us)
{
    struct owner owner;

    if (!find_owner(passage, &owner) || owner.term <= passage->to.term)
        return;
    if (passage->succeeded_boot_us == 0)
        passage->succeeded_boot_us = boot_us;
    if (boot_us - passage->succeeded_boot_us < PATIENCE_US)
        return;
    if (web_client_cancel(passage->forward->client, &passage->exchange))
        passage_note_unresolved(passage);
    passage->state = PASSAGE_WAITING;
    passage->again_boot_us = 0;
}

static void look(struct forward *forward, int64_t boot_us)
{
    struct passage *next;

    for (struct passage *at = forward->passages; at != NULL; at = next) {
        next = at->next;
        switch (at->state) {
        case PASSAGE_WAITING: look_at_waiting(at, boot_us); break;
        case PASSAGE_SENT: look_at_sent(at, boot_us); break;
        }
    }
    forward->look_boot_us = boot_us + LOOK_US;
    metric_set(&metric_forwarding, (int64_t)atomic_load(&forward->count));
}

/* Taking */

static void begin(struct forward *forward, struct call *call, int64_t boot_us)
{
    struct passage *passage = call->passage;

    passage->next = forward->passages;
    passage->previous = NULL;
    if (passage->next != NULL)
        passage->next->previous = passage;
    forward->passages = passage;
    look_at_waiting(passage, boot_us);
}

static bool prepare(struct forward *forward, struct call *call, const struct web_request *request)
{
    if (call->passage != NULL) {
        call->passage->again_boot_us = clock_boot_us() + AGAIN_US_MIN; /* kept, and came back */
        return true;
    }
    call->passage = arena_alloc_zeroed(call->arena, sizeof(*call->passage));
    if (call->passage == NULL)
        return false;
    *call->passage = (struct passage){
        .forward = forward,
        .call = call,
        .request = request,
        .unresolved_term = LOG_OFFSET_NONE,
    };
    return true;
}

static bool enqueue(struct forward *forward, struct call *call)
{
    if (atomic_fetch_add(&forward->count, 1) >= forward->options.calls_max) {
        atomic_fetch_sub(&forward->count, 1);
        return false;
    }
    pthread_mutex_lock(&forward->mutex);
    bool closed = forward->closed;
    if (!closed)
        call_push(&forward->taken, call);
    pthread_mutex_unlock(&forward->mutex);
    if (closed)
        atomic_fetch_sub(&forward->count, 1);
    else
        web_client_wake(forward->client);
    return !closed;
}

bool forward_take(struct forward *forward, struct call *call, const struct web_request *request)
{
    if (prepare(forward, call, request) && enqueue(forward, call))
        return true;
    call_fault(call, FAULT_OVERLOADED);
    return false;
}

static void begin_taken(struct forward *forward, int64_t boot_us)
{
    struct call *call;

    pthread_mutex_lock(&forward->mutex);
    struct call_queue taken = forward->taken;
    forward->taken = (struct call_queue){0};
    pthread_mutex_unlock(&forward->mutex);
    while ((call = call_pop(&taken)) != NULL)
        begin(forward, call, boot_us);
}

/* The thread */

static void abandon(struct forward *forward)
{
    while (forward->passages != NULL) {
        struct passage *passage = forward->passages;
        if (passage->state == PASSAGE_SENT &&
            web_client_cancel(forward->client, &passage->exchange))
            passage_note_unresolved(passage);
        end_with(passage, FAULT_SHUTTING_DOWN);
    }
}

static void *run(void *self)
{
    struct forward *forward = self;

    for (;;) {
        int64_t boot_us = clock_boot_us();
        begin_taken(forward, boot_us);
        (void)web_client_turn(forward->client);
        if (boot_us >= forward->look_boot_us)
            look(forward, boot_us);
        if (atomic_load(&forward->stopping) &&
            (atomic_load(&forward->count) == 0 || boot_us >= forward->stop_by_boot_us))
            break;
        web_client_wait(forward->client, forward->passages == NULL ? IDLE_MS : LOOK_US / 1000);
    }
    begin_taken(forward, clock_boot_us());
    abandon(forward);
    return NULL;
}

struct forward *forward_destroy(struct forward *forward)
{
    if (forward == NULL)
        return NULL;
    forward->client = web_client_destroy(forward->client);
    pthread_mutex_destroy(&forward->mutex);
    free(forward);
    return NULL;
}

struct forward *forward_start(const struct forward_options *options, struct error *error)
{
    struct forward *forward = calloc(1, sizeof(*forward));
    struct web_client_options client = {
        .exchanges_max = options->calls_max,
        .connections_per_host_max = CONNECTIONS_PER_HOST,
        .response_bytes_max = ANSWER_BYTES_MAX,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
    };

    if (forward == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "forwarding");
        return NULL;
    }
    forward->options = *options;
    pthread_mutex_init(&forward->mutex, NULL);
    forward->client = web_client_create(&client, error);
    if (forward->client == NULL)
        return forward_destroy(forward);
    int failed = pthread_create(&forward->thread, NULL, run, forward);
    if (failed != 0) {
        error_set(error, FAULT_IO_FAILED, "a thread for forwarding: error %d", failed);
        return forward_destroy(forward);
    }
    forward->runs = true;
    return forward;
}

void forward_wake(struct forward *forward)
{
    web_client_wake(forward->client);
}

void forward_stop(struct forward *forward, int timeout_ms)
{
    if (forward == NULL || !forward->runs)
        return;
    pthread_mutex_lock(&forward->mutex);
    forward->closed = true;
    pthread_mutex_unlock(&forward->mutex);
    forward->stop_by_boot_us = clock_boot_us() + timeout_ms * INT64_C(1000);
    atomic_store(&forward->stopping, true);
    web_client_wake(forward->client);
    pthread_join(forward->thread, NULL);
    forward->runs = false;
}
