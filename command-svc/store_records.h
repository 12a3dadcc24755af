/* What lies in the index beside states: events for an aggregate's history, and commands' answers.
 */
#pragma once

#include "lib/record/record.h"
#include <stdint.h>

/* In front of it, 8 bytes as the machine has them: the offset of its commit's last record. */
#define STORED_EVENT_FRONT sizeof(int64_t)
struct stored_event {
    struct text id; /* 16 bytes */
    struct text type;
    int64_t time_us;
    struct text command_id;     /* 16 bytes */
    struct text correlation_id; /* 16 bytes */
    struct text causation_id;   /* 16 bytes */
    struct text actor;
    struct text trace;   /* a struct trace_context */
    struct text payload; /* framed Avro, as on the log */
};

extern const struct record stored_event_record;
extern const struct record remembered_record; /* struct remembered of store.h */
