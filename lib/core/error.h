/* Faults: what the world does to us (disk, network, broker). Bugs are assertions, refusals are
 * values of a decision; neither passes through here. */
#pragma once

#include "lib/core/check.h"
#include <stdbool.h>

/* code in answers and logs, HTTP status, worth trying again, what a person reads */
#define FAULTS(X)                                                                                  \
    X(OUT_OF_MEMORY, "out_of_memory", 503, true, "Memory ran out.")                                \
    X(OVERLOADED, "overloaded", 503, true, "Too much is waiting already. Try again shortly.")      \
    X(DEADLINE_PASSED, "deadline_passed", 503, true,                                               \
      "It waited too long; this attempt changed nothing.")                                         \
    X(OUTCOME_UNKNOWN, "outcome_unknown", 504, true,                                               \
      "It may or may not have happened. Ask again with the same Idempotency-Key.")                 \
    X(SHUTTING_DOWN, "shutting_down", 503, true, "This process is stopping.")                      \
    X(NOT_READY, "not_ready", 503, true, "This process is still catching up.")                     \
    X(LOG_UNAVAILABLE, "log_unavailable", 503, true, "The event log cannot be reached.")           \
    X(LOG_REPLACED, "log_replaced", 503, false, "The event log is not the one known before.")      \
    X(LOG_TRUNCATED, "log_truncated", 503, false, "The event log is shorter than it was.")         \
    X(LOG_FAILED, "log_failed", 503, false, "The event log refused an operation.")                 \
    X(INDEX_FAILED, "index_failed", 503, true, "The local index cannot be used.")                  \
    X(DATABASE_UNAVAILABLE, "database_unavailable", 503, true, "The database cannot be reached.")  \
    X(DATABASE_FAILED, "database_failed", 500, false, "The database refused a statement.")         \
    X(DATA_CORRUPT, "data_corrupt", 500, false, "Stored bytes are not what they should be.")       \
    X(SCHEMA_UNKNOWN, "schema_unknown", 500, false, "Written by a newer version: upgrade me.")     \
    X(LIMIT_EXCEEDED, "limit_exceeded", 500, false, "Something outgrew its limit.")                \
    X(CONFIG_INVALID, "config_invalid", 500, false, "The configuration is not valid.")             \
    X(IO_FAILED, "io_failed", 500, true, "A system call failed.")

enum fault {
    FAULT_NONE,
#define FAULT_ENTRY(name, code, http, retryable, text) FAULT_##name,
    FAULTS(FAULT_ENTRY)
#undef FAULT_ENTRY
        FAULT_COUNT,
};

struct fault_entry {
    const char *code;
    int http_status;
    bool retryable;
    const char *text;
};

/* Plain data; `detail` is for logs, never for clients. */
struct error {
    enum fault fault;
    char detail[248];
};

/* Both return false, so that a failing function ends in `return error_set(...)`. A NULL error is
 * accepted and ignored. error_add puts context in front of the detail on the way up. */
bool error_set(struct error *error, enum fault fault, const char *format, ...) PRINTF_LIKE(3, 4);
bool error_add(struct error *error, const char *format, ...) PRINTF_LIKE(2, 3);

/* The row of a fault; asserts that there is one (not FAULT_NONE). */
const struct fault_entry *fault_entry(enum fault fault);
