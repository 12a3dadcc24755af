/* A client over a bare socket: it says exactly what a test wants to say, well-formed or not. */
#pragma once

#include "lib/core/check.h"
#include <stdbool.h>
#include <stddef.h>

struct reply {
    int status;
    char head[8192];
    char body[65536];
    size_t body_size;
};

/* Every call ends within 10 seconds. Failures end the test. */
int client_connect(int port);
int client_connect_local(const char *path);
void client_send(int client, const char *format, ...) PRINTF_LIKE(2, 3);
/* False when the server closed instead of answering. */
bool client_receive(int client, struct reply *ret_reply);
bool client_receive_head(int client, struct reply *ret_reply); /* as an answer to HEAD */
/* One request on a connection of its own. `headers` are whole lines; `body` may be NULL. */
struct reply client_ask(int port, const char *method, const char *target, const char *headers,
                        const char *body);
/* The value's first character, up to the line's end; NULL if there is no such header. */
const char *reply_header(const struct reply *reply, const char *name);
bool reply_has_header(const struct reply *reply, const char *name, const char *value);
