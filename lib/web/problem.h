/* Problem documents, RFC 9457: what clients get when the answer is no. */
#pragma once

#include "lib/core/buffer.h"
#include "lib/record/json.h"

struct problem {
    int status;
    const char *code;                  /* stable; `type` is "urn:sijang:problem:<code>" */
    const char *title;                 /* the same for every occurrence */
    const char *detail;                /* of this occurrence; may be NULL */
    const struct field_errors *errors; /* may be NULL */
};

void problem_write(const struct problem *problem, struct text request_id, struct buffer *out);
/* Whether a document, as problem_write writes it, has this code. */
bool problem_has_code(struct text document, const char *code);

/* What the web layer itself refuses with: code, status, title. */
#define WEB_PROBLEMS(X)                                                                            \
    X(not_found, 404, "There is nothing here.")                                                    \
    X(stream_not_found, 404, "There is no such stream.")                                           \
    X(method_not_allowed, 405, "This path does not know the method.")                              \
    X(malformed_request, 400, "The request is not well formed.")                                   \
    X(malformed_json, 400, "The body is not a JSON object.")                                       \
    X(invalid_fields, 422, "Some fields are not valid.")                                           \
    X(unsupported_media_type, 415, "The body must be application/json.")                           \
    X(body_too_large, 413, "The body is too large.")                                               \
    X(length_required, 411, "A body needs a Content-Length.")                                      \
    X(unauthenticated, 401, "A valid bearer token is required.")                                   \
    X(token_expired, 401, "The token has expired.")                                                \
    X(forbidden, 403, "The caller may not do this.")                                               \
    X(malformed_position, 400, "Sijang-Wait-For is not a list of positions.")                      \
    X(unknown_position, 400, "A position is not of the log that is read here.")                    \
    X(position_not_reached, 504, "The log has not been read that far in time.")                    \
    X(precondition_failed, 412, "It has changed in the meantime.")                                 \
    X(idempotency_key_required, 400, "A request that creates needs an Idempotency-Key header.")    \
    X(idempotency_key_invalid, 400, "An Idempotency-Key is 1 to 128 printable ASCII characters.")  \
    X(idempotency_key_reused, 422, "This Idempotency-Key was used with another request.")

#define WEB_PROBLEM_DECLARE(name, status, title) extern const struct problem problem_##name;
WEB_PROBLEMS(WEB_PROBLEM_DECLARE)
#undef WEB_PROBLEM_DECLARE
