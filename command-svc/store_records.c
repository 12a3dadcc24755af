/* What lies in the index beside states. */
#include "command-svc/store_records.h"

#include "command-svc/store.h"

static const struct field stored_event_fields[] = {
    {FIELD_AT(stored_event, id), .kind = FIELD_BYTES},
    {FIELD_AT(stored_event, type), .kind = FIELD_TEXT},
    {FIELD_AT(stored_event, time_us), .kind = FIELD_INTEGER},
    {FIELD_AT(stored_event, command_id), .kind = FIELD_BYTES},
    {FIELD_AT(stored_event, correlation_id), .kind = FIELD_BYTES},
    {FIELD_AT(stored_event, causation_id), .kind = FIELD_BYTES},
    {FIELD_AT(stored_event, actor), .kind = FIELD_TEXT},
    {FIELD_AT(stored_event, trace), .kind = FIELD_BYTES},
    {FIELD_AT(stored_event, payload), .kind = FIELD_BYTES},
};

const struct record stored_event_record = {
    .name = "StoredEvent",
    .size = sizeof(struct stored_event),
    .fields = stored_event_fields,
    .field_count = COUNT_OF(stored_event_fields),
};

static const struct field remembered_fields[] = {
    {FIELD_AT(remembered, subject), .kind = FIELD_TEXT},
    {FIELD_AT(remembered, version), .kind = FIELD_INTEGER},
    {FIELD_AT(remembered, request_hash), .kind = FIELD_BYTES},
    {FIELD_AT(remembered, time_us), .kind = FIELD_INTEGER},
    {FIELD_AT(remembered, lasting), .kind = FIELD_BOOLEAN},
};

const struct record remembered_record = {
    .name = "Remembered",
    .size = sizeof(struct remembered),
    .fields = remembered_fields,
    .field_count = COUNT_OF(remembered_fields),
};
