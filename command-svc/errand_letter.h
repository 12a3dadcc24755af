/* An errand on its way to another process of this service: the JSON of a POST, and its answer. The
 * path has the body's digest in it, and the header that signs the path vouches for both. */
#pragma once

#include "command-svc/call.h"
#include "lib/core/buffer.h"

#define ERRAND_PATH        "/v1/errands/"
#define ERRAND_LETTER_MAX  (96 * 1024)
#define ERRAND_DIGEST_SIZE 33 /* with NUL */
#define ERRAND_ANSWER_SIZE 128

struct errand_letter {
    struct text context;
    struct text command;
    struct text aggregate_id;
    struct text actor;
    struct text command_id; /* ids: 16 bytes */
    struct text causation_id;
    struct text correlation_id;
    struct text input; /* Avro, by the command's table */
};

/* False: too large. */
MUST_CHECK bool errand_letter_write(const struct call *call, struct buffer *out);
/* Texts are the arena's. False: it is none. */
MUST_CHECK bool errand_letter_read(struct text body, struct arena *arena,
                                   struct errand_letter *ret_letter);
void errand_letter_digest(struct text body, char ret_digest[static ERRAND_DIGEST_SIZE]);

/* What became of the call, in words. */
void errand_answer_write(const struct call *call, char ret_answer[static ERRAND_ANSWER_SIZE]);
/* Sets the call's outcome; what it cannot read is an unknown outcome. */
void errand_answer_read(struct text answer, struct call *call);
