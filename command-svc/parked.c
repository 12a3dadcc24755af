/* Parks of the index as a list. */
#include "command-svc/parked.h"

#include "command-svc/lane.h"
#include "command-svc/store_keys.h"
#include "command-svc/store_parks.h"
#include "lib/core/logger.h"

struct listing {
    struct parked_list *list;
    const struct lane *lane;
    struct error *error;
    bool failed;
};

static bool copy(struct listing *listing, const struct text *from, struct text *ret_to)
{
    *ret_to = arena_copy_text(listing->list->inquiry.arena, *from);
    listing->failed = listing->failed || ret_to->bytes == NULL;
    return !listing->failed || error_set(listing->error, FAULT_OUT_OF_MEMORY, "listing parks");
}

static bool list_one(void *self, const struct parked_row *row)
{
    struct listing *listing = self;
    struct parked_list *list = listing->list;
    struct store_event_name name;

    if (list->count == list->limit) {
        list->more = true;
        return false;
    }
    if (!store_key_read_event(row->event, &name)) {
        listing->failed = true;
        return error_set(listing->error, FAULT_INDEX_FAILED, "a park of no event");
    }
    struct parked_event *event = &list->events[list->count++];
    *event = (struct parked_event){
        .version = name.version, .place = row->place, .partition = listing->lane->number};
    return copy(listing, &name.aggregate, &event->aggregate) &&
           copy(listing, &name.id, &event->id) && copy(listing, &row->step, &event->step) &&
           copy(listing, &row->reason, &event->reason);
}

bool parked_look_up(struct lane *lane, struct history *inquiry)
{
    struct parked_list *list = inquiry->subject;
    struct error error;
    struct listing listing = {.list = list, .lane = lane, .error = &error};
    struct park_visit visit = {
        .reaction = list->reaction,
        .sender = list->from,
        .place = list->from_place,
        .visit = list_one,
        .self = &listing,
    };

    list->from = (struct text){.bytes = NULL};
    if (parks_visit(&lane->store, &visit, &error) && !listing.failed)
        return true;
    if (!fault_entry(error.fault)->retryable)
        log_error("parked_not_listed", LOG_STRING("reaction", list->reaction), LOG_ERROR(&error));
    inquiry->fault = error.fault;
    return true;
}
