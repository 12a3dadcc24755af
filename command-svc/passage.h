/* A call on its way to another process: what is sent, and what its answer means. Copies whose fate
 * is unknown are remembered by the newest term they were bound to: under a newer one they can no
 * longer come to pass. */
#pragma once

#include "command-svc/call.h"
#include "command-svc/forwarded.h"
#include "lib/log/owners.h"
#include "lib/web/client.h"
#include "lib/web/server.h"

#define PASSAGE_HEADERS_MAX 8
#define RELAYED_HEADERS_MAX 6

struct forward;

/* Another process's answer, as it is passed back. In the call's arena. */
struct relayed {
    int status;
    const char *content_type; /* may be NULL */
    struct relayed_header {
        const char *name;
        const char *value;
    } headers[RELAYED_HEADERS_MAX];
    size_t header_count;
    struct text body;
};

/* waiting -> sent -> waiting, and out of either. */
enum passage_state { PASSAGE_WAITING, PASSAGE_SENT };

/* In the call's arena. */
struct passage {
    struct forward *forward;
    struct call *call;
    const struct web_request *request;
    enum passage_state state;
    struct owner to;         /* SENT: the owner asked; its term binds the copy */
    int64_t unresolved_term; /* newest term of copies whose fate is unknown; NONE: there are none */
    int64_t again_boot_us;   /* WAITING: not before */
    int64_t again_us;        /* how long it waited last time */
    int64_t succeeded_boot_us; /* SENT: when another owner was first seen; 0: not yet */
    struct web_exchange exchange;
    struct web_exchange_header headers[PASSAGE_HEADERS_MAX + 1];
    struct passage *previous, *next;
};

/* Fills exchange but for .done and .user: the request as the client made it, for passage->to.
 * False: the arena is full. */
MUST_CHECK bool passage_write(struct passage *passage, const struct forwarded_key *key,
                              int64_t boot_us);
/* The copy sent to passage->to may be decided there, or have been. */
void passage_note_unresolved(struct passage *passage);
bool passage_is_unresolved(const struct passage *passage);

enum passage_verdict {
    PASSAGE_TURNED_AWAY, /* this copy has done nothing and will do nothing: ask again */
    PASSAGE_FINAL,       /* the call is relayed */
    PASSAGE_UNCERTAIN,   /* an older copy may have done something, or may still */
};
/* Inside web_exchange.done, of an answer. */
enum passage_verdict passage_read(struct passage *passage);
