/* HTTP requests to other servers, many at once over kept connections: libcurl's multi interface,
 * turned by its owner. All functions but web_client_wake are called on the owner's thread; nothing
 * blocks but web_client_wait, names are resolved by libcurl's own threads. */
#pragma once

#include "lib/core/buffer.h"
#include "lib/core/error.h"
#include <stdint.h>

struct web_client;

struct web_client_options {
    size_t exchanges_max; /* under way at once; more are refused */
    int connections_per_host_max;
    size_t response_bytes_max; /* of a head, and of a body; more is broken off */
    int connect_timeout_ms;
};

enum web_exchange_outcome {
    EXCHANGE_ANSWERED,
    EXCHANGE_NOT_SENT, /* no byte of it left: the other side knows nothing of it */
    EXCHANGE_BROKEN,   /* sent, at least in part; no whole answer came, or none in time */
};

struct web_exchange_header {
    const char *name;
    const char *value;
};

/* One request and its answer. What the caller sets is borrowed until `done` is called, or the
 * exchange is cancelled. */
struct web_exchange {
    const char *method;                        /* "GET" has no body */
    const char *url;                           /* http only */
    const struct web_exchange_header *headers; /* ended by .name NULL */
    struct text body;
    int64_t deadline_boot_us;
    /* Exactly once, inside web_client_turn; may call nothing but web_exchange_header. The exchange
     * is the caller's again. */
    void (*done)(struct web_exchange *exchange);
    void *user;

    enum web_exchange_outcome outcome;
    int status;
    struct text answer; /* borrowed: until `done` returns */
    struct error error; /* why there is no answer */
    struct web_transfer *transfer;
};

MUST_CHECK struct web_client *web_client_create(const struct web_client_options *options,
                                                struct error *error);
/* Breaks off what is under way without calling `done`. NULL accepted, returns NULL. */
struct web_client *web_client_destroy(struct web_client *client);

/* False: too many are under way (FAULT_OVERLOADED), or no memory; `done` is not called. */
MUST_CHECK bool web_client_send(struct web_client *client, struct web_exchange *exchange,
                                struct error *error);
/* Breaks it off; `done` is not called. True: some of it may have been sent. */
bool web_client_cancel(struct web_client *client, struct web_exchange *exchange);
/* Inside `done`, of an answer: the first header of that name; absent if there is none. */
struct text web_exchange_header(const struct web_exchange *exchange, const char *name);

/* Moves everything that can move; how many exchanges ended. */
size_t web_client_turn(struct web_client *client);
/* Until something can move, a deadline passes, web_client_wake is called, or the time is over. */
void web_client_wait(struct web_client *client, int timeout_ms);
void web_client_wake(struct web_client *client); /* any thread */
