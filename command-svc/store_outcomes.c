/* Outcomes by command id, as their records on the log. */
#include "command-svc/store_outcomes.h"

#include "command-svc/store_deadlines.h"
#include "lib/record/avro.h"
#include <string.h>

bool store_find_outcome(const struct store *store, const struct uuid *command_id,
                        struct arena *arena, struct outcome *ret_outcome, bool *ret_found,
                        struct error *error)
{
    struct text key = {(const char *)command_id->bytes, sizeof(command_id->bytes)};
    struct text stored;

    *ret_found = false;
    if (!index_find(store->index, INDEX_OUTCOMES, key, &stored, error))
        return false;
    if (stored.bytes == NULL)
        return true;
    struct text copy = arena_copy_text(arena, stored);
    if (copy.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "finding an outcome");
    *ret_found = true;
    return avro_decode(&outcome_record, copy, arena, ret_outcome, error);
}

bool store_stage_outcome(const struct store *store, const struct outcome *outcome,
                         struct error *error)
{
    const struct aggregate *aggregate = store_find_aggregate(store, outcome->aggregate);
    struct uuid id;

    if (aggregate == NULL)
        return error_set(error, FAULT_SCHEMA_UNKNOWN, "aggregate %.*s",
                         TEXT_ARGS(outcome->aggregate));
    if (!uuid_parse(outcome->command_id, &id))
        return error_set(error, FAULT_DATA_CORRUPT, "an outcome without a command id");
    buffer_clear(store->scratch);
    avro_encode(&outcome_record, outcome, store->scratch);
    if (store->scratch->failed)
        return error_set(error, FAULT_LIMIT_EXCEEDED, "an outcome is too large");
    return index_put(store->index, INDEX_OUTCOMES,
                     (struct text){(const char *)id.bytes, sizeof(id.bytes)},
                     buffer_text(store->scratch), error) &&
           deadlines_settle(store, aggregate, outcome->subject, &id, error);
}
