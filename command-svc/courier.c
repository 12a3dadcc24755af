/* Errands under way to other processes. */
#include "command-svc/courier.h"

#include "command-svc/errand_letter.h"
#include "lib/core/clock.h"
#include "lib/log/owners.h"
#include "lib/web/client.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CONNECTIONS_PER_HOST 16
#define ANSWER_BYTES_MAX     4096
#define CONNECT_TIMEOUT_MS   500
#define PATIENCE_US          2000000 /* with one owner, for its answer */
#define IDLE_MS              1000

/* In the call's arena, but for the body. */
struct trip {
    struct courier *courier;
    struct call *call;
    struct web_exchange exchange;
    struct web_exchange_header headers[3];
    struct buffer body;
    struct trip *previous, *next;
};

struct courier {
    struct courier_options options;
    struct web_client *client;
    struct trip *trips; /* of the thread */
    pthread_t thread;
    bool runs;
    _Atomic size_t count; /* taken and not ended */
    _Atomic bool stopping;
    pthread_mutex_t mutex; /* of what follows */
    struct call_queue taken;
    bool closed;
};

/* end */

static void end_call(struct courier *courier, struct call *call)
{
    atomic_fetch_sub(&courier->count, 1);
    call->finish(call);
}

static void end_trip(struct trip *trip)
{
    if (trip->previous != NULL)
        trip->previous->next = trip->next;
    else
        trip->courier->trips = trip->next;
    if (trip->next != NULL)
        trip->next->previous = trip->previous;
    buffer_done(&trip->body);
    end_call(trip->courier, trip->call);
}

static void exchange_done(struct web_exchange *exchange)
{
    struct trip *trip = exchange->user;

    switch (exchange->outcome) {
    case EXCHANGE_ANSWERED:
        if (exchange->status == 200)
            errand_answer_read(exchange->answer, trip->call);
        else
            call_fault(trip->call, FAULT_OUTCOME_UNKNOWN);
        break;
    case EXCHANGE_NOT_SENT: call_fault(trip->call, FAULT_NOT_READY); break;
    case EXCHANGE_BROKEN: call_fault(trip->call, FAULT_OUTCOME_UNKNOWN); break;
    }
    end_trip(trip);
}

/* send */

static bool write_head(struct trip *trip, const struct owner *to, int64_t until_boot_us)
{
    const struct courier *courier = trip->courier;
    struct arena *arena = trip->call->arena;
    int64_t left_ms = (until_boot_us - clock_boot_us()) / 1000;
    struct forwarded forwarded = {
        .term = to->term,
        .left_ms = left_ms,
        .until_wall_ms = clock_wall_us() / 1000 + left_ms,
        .command_id = trip->call->command_id,
    };
    char digest[ERRAND_DIGEST_SIZE];

    errand_letter_digest(buffer_text(&trip->body), digest);
    char *path = arena_print(arena, "%s%s", ERRAND_PATH, digest);
    char *url = path == NULL ? NULL : arena_print(arena, "http://%s%s", to->address, path);
    char *signature = url == NULL
                          ? NULL
                          : forwarded_write(&forwarded, &courier->options.key, "POST", path, arena);
    trip->headers[0] = (struct web_exchange_header){"Content-Type", "application/json"};
    trip->headers[1] = (struct web_exchange_header){FORWARDED_HEADER, signature};
    trip->exchange = (struct web_exchange){
        .method = "POST",
        .url = url,
        .headers = trip->headers,
        .body = buffer_text(&trip->body),
        .deadline_boot_us = until_boot_us,
        .done = exchange_done,
        .user = trip,
    };
    return signature != NULL;
}

static bool send_trip(struct trip *trip, const struct owner *to, struct error *error)
{
    int64_t until_boot_us = clock_boot_us() + PATIENCE_US;

    if (!errand_letter_write(trip->call, &trip->body))
        return error_set(error, FAULT_LIMIT_EXCEEDED, "an errand is too large");
    if (!write_head(trip, to, until_boot_us))
        return error_set(error, FAULT_OUT_OF_MEMORY, "an errand");
    return web_client_send(trip->courier->client, &trip->exchange, error);
}

static bool find_owner(const struct courier *courier, const struct call *call,
                       struct owner *ret_owner)
{
    return owners_find(courier->options.owners, call->command->aggregate->context, call->partition,
                       ret_owner) &&
           !uuid_equal(&ret_owner->incarnation, &courier->options.incarnation);
}

static void begin(struct courier *courier, struct call *call)
{
    struct trip *trip = arena_alloc_zeroed(call->arena, sizeof(*trip));
    struct owner to;
    struct error error;

    if (trip == NULL || !find_owner(courier, call, &to)) {
        call_fault(call, trip == NULL ? FAULT_OUT_OF_MEMORY : FAULT_NOT_READY);
        end_call(courier, call);
        return;
    }
    trip->courier = courier;
    trip->call = call;
    buffer_init(&trip->body, ERRAND_LETTER_MAX);
    trip->next = courier->trips;
    if (trip->next != NULL)
        trip->next->previous = trip;
    courier->trips = trip;
    if (send_trip(trip, &to, &error))
        return;
    call_fault(call, error.fault);
    end_trip(trip);
}

/* take */

bool courier_is_for(const struct courier *courier, const struct call *call)
{
    struct owner owner;

    return courier != NULL && find_owner(courier, call, &owner);
}

bool courier_take(struct courier *courier, struct call *call)
{
    if (atomic_fetch_add(&courier->count, 1) >= courier->options.calls_max) {
        atomic_fetch_sub(&courier->count, 1);
        return false;
    }
    pthread_mutex_lock(&courier->mutex);
    bool closed = courier->closed;
    if (!closed)
        call_push(&courier->taken, call);
    pthread_mutex_unlock(&courier->mutex);
    if (closed)
        atomic_fetch_sub(&courier->count, 1);
    else
        web_client_wake(courier->client);
    return !closed;
}

static void begin_taken(struct courier *courier)
{
    struct call *call;

    pthread_mutex_lock(&courier->mutex);
    struct call_queue taken = courier->taken;
    courier->taken = (struct call_queue){0};
    pthread_mutex_unlock(&courier->mutex);
    while ((call = call_pop(&taken)) != NULL)
        begin(courier, call);
}

/* the thread */

static void abandon(struct courier *courier)
{
    while (courier->trips != NULL) {
        struct trip *trip = courier->trips;
        (void)web_client_cancel(courier->client, &trip->exchange);
        call_fault(trip->call, FAULT_SHUTTING_DOWN);
        end_trip(trip);
    }
}

static void *run(void *self)
{
    struct courier *courier = self;

    while (!atomic_load(&courier->stopping)) {
        begin_taken(courier);
        (void)web_client_turn(courier->client);
        web_client_wait(courier->client, IDLE_MS);
    }
    begin_taken(courier);
    abandon(courier);
    return NULL;
}

struct courier *courier_destroy(struct courier *courier)
{
    if (courier == NULL)
        return NULL;
    courier->client = web_client_destroy(courier->client);
    pthread_mutex_destroy(&courier->mutex);
    free(courier);
    return NULL;
}

struct courier *courier_start(const struct courier_options *options, struct error *error)
{
    struct courier *courier = calloc(1, sizeof(*courier));
    struct web_client_options client = {
        .exchanges_max = options->calls_max,
        .connections_per_host_max = CONNECTIONS_PER_HOST,
        .response_bytes_max = ANSWER_BYTES_MAX,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
    };

    if (courier == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "a courier");
        return NULL;
    }
    courier->options = *options;
    pthread_mutex_init(&courier->mutex, NULL);
    courier->client = web_client_create(&client, error);
    if (courier->client == NULL)
        return courier_destroy(courier);
    int failed = pthread_create(&courier->thread, NULL, run, courier);
    if (failed != 0) {
        error_set(error, FAULT_IO_FAILED, "a thread for a courier: error %d", failed);
        return courier_destroy(courier);
    }
    courier->runs = true;
    return courier;
}

void courier_stop(struct courier *courier)
{
    if (courier == NULL || !courier->runs)
        return;
    pthread_mutex_lock(&courier->mutex);
    courier->closed = true;
    pthread_mutex_unlock(&courier->mutex);
    atomic_store(&courier->stopping, true);
    web_client_wake(courier->client);
    pthread_join(courier->thread, NULL);
    courier->runs = false;
}
