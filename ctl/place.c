/* Places in words to offsets. */
#include "ctl/place.h"

#include "lib/core/clock.h"
#include "lib/log/position.h"
#include "schemas/contexts.h"
#include <string.h>

bool place_parse(const char *option, const char *text, struct place *ret_place, struct error *error)
{
    struct text given = text_of(text);
    struct place place = {.kind = PLACE_BEGIN};
    struct log_mark mark;
    bool malformed;

    if (strcmp(text, "begin") == 0)
        place.kind = PLACE_BEGIN;
    else if (strcmp(text, "end") == 0)
        place.kind = PLACE_END;
    else if (text_to_integer(given, &place.value) && place.value >= 0)
        place.kind = PLACE_OFFSET;
    else if (clock_parse(given, &place.value))
        place.kind = PLACE_TIME;
    else if (log_mark_parse(&given, &mark, &malformed) && given.size == 0)
        place =
            (struct place){PLACE_POSITION, mark.offset + 1, mark.partition, mark.context, mark.log};
    else
        return error_set(error, FAULT_CONFIG_INVALID,
                         "%s must be begin, end, an offset, a time or a position", option);
    *ret_place = place;
    return true;
}

static bool is_of_topic(const struct place *place, const char *topic)
{
    const struct context *context = context_of_topic(topic);

    return place->kind != PLACE_POSITION || context == NULL ||
           text_is(place->context, context->name);
}

bool place_is_foreign(const struct place *place, const char *topic, const struct uuid *log)
{
    return place->kind == PLACE_POSITION && context_of_topic(topic) != NULL &&
           (!is_of_topic(place, topic) || !uuid_equal(&place->log, log));
}

static int64_t within(const struct log_span *span, int64_t offset)
{
    if (offset < span->first)
        return span->first;
    return offset > span->end ? span->end : offset;
}

bool place_find(struct log_admin *admin, const struct log_place *where, const struct place *place,
                int64_t *ret_offset, struct error *error)
{
    struct log_span span;

    if (!is_of_topic(place, where->topic))
        return error_set(error, FAULT_CONFIG_INVALID, "a position of %.*s is no place in %s",
                         TEXT_ARGS(place->context), where->topic);
    if (!log_admin_span(admin, where, &span, error))
        return false;
    switch (place->kind) {
    case PLACE_BEGIN: *ret_offset = span.first; break;
    case PLACE_END: *ret_offset = span.end; break;
    case PLACE_OFFSET: *ret_offset = within(&span, place->value); break;
    case PLACE_TIME: return log_admin_find_time(admin, where, place->value, ret_offset, error);
    case PLACE_POSITION:
        *ret_offset =
            where->partition == place->partition ? within(&span, place->value) : LOG_OFFSET_NONE;
        break;
    }
    return true;
}
