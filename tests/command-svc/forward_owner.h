/* A process that calls are forwarded to: an HTTP server that does as told, request by request. */
#pragma once

#include "command-svc/forwarded.h"
#include "lib/web/server.h"
#include <stdatomic.h>

#define OWNER_REQUESTS_MAX 16

enum owner_step {
    OWNER_ACCEPTS,    /* 201 with all headers an acceptance has; also what comes after the script */
    OWNER_REFUSES,    /* 409, with a position */
    OWNER_TURNS_AWAY, /* 421 */
    OWNER_STOPS,      /* 503 shutting_down */
    OWNER_OVERLOADED, /* 503 without a position: it has not looked into the log */
    OWNER_FORBIDS,    /* 403, the same */
    OWNER_BREAKS_OFF, /* more of an answer than anybody reads */
    OWNER_KEEPS_SILENT /* until the test ends */
};

/* What came in. */
struct owner_heard {
    struct forwarded forwarded;
    char body[64];
    char headers[6][128]; /* Authorization, Idempotency-Key, If-Match, X-Request-ID, traceparent,
                             Content-Type; "" if not there */
};

struct fake_owner {
    struct web_server *server;
    char address[32];
    struct forwarded_key key;
    enum owner_step script[OWNER_REQUESTS_MAX];
    struct owner_heard heard[OWNER_REQUESTS_MAX];
    struct web_request *_Atomic silent[OWNER_REQUESTS_MAX];
    atomic_int heard_count;
};

void fake_owner_start(struct fake_owner *owner, const char *secret);
void fake_owner_stop(struct fake_owner *owner);
