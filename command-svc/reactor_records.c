/* Checkpoints and parks: staged in the index, appended to the log. */
#include "command-svc/reactor_records.h"

#include "command-svc/contexts.h"
#include "command-svc/reaction_mirror.h"

static bool append(struct lane *lane, const struct platform_entry *entry, bool staged,
                   struct error *error)
{
    if (!staged || !log_partition_append_platform(lane->log, entry, lane->appended + 1, error)) {
        index_abandon(lane->store.index);
        return false;
    }
    index_seal(lane->store.index);
    lane->appended++;
    return true;
}

bool reactor_append_checkpoint(struct reactor *reactor, struct error *error)
{
    struct lane *lane = reactor->lane;
    struct reaction_mark marks[RUNNERS_MAX];
    struct checkpoint checkpoint = {.marks = {marks, reactor->runner_count}};
    struct platform_entry entry = {.kind = PLATFORM_CHECKPOINT, .body = &checkpoint};

    for (size_t i = 0; i < reactor->runner_count; i++)
        marks[i] = (struct reaction_mark){
            .reaction = text_of(reactor->runners[i].reaction->name),
            .low_water = reactor->runners[i].mark,
        };
    if (!append(lane, &entry, store_stage_checkpoint(&lane->store, &checkpoint, error), error))
        return false;
    for (size_t i = 0; i < reactor->runner_count; i++) {
        reactor->runners[i].written = reactor->runners[i].mark;
        reaction_mirror_note(reactor->port->mirror, contexts_find(lane->store.context->name), i,
                             lane->number, reactor->runners[i].mark);
    }
    return true;
}

bool reactor_append_park(struct runner *runner, struct reaction_item *item, struct error *error)
{
    struct lane *lane = runner->reactor->lane;
    char event_id[UUID_TEXT_SIZE];
    struct park park = {
        .reaction = text_of(runner->reaction->name),
        .key = item->source.id,
        .event_id = {event_id, UUID_TEXT_SIZE - 1},
        .event_offset = item->place,
        .step = text_of(item->failed_step),
        .reason = text_of(item->reason),
    };
    struct platform_entry entry = {
        .kind = PLATFORM_PARK,
        .body = &park,
        .correlation_id = item->source.correlation_id,
        .causation_id = item->source.event_id,
    };

    uuid_format(&item->source.event_id, event_id);
    if (!append(lane, &entry, store_stage_park(&lane->store, &park, error), error))
        return false;
    item->park_token = lane->appended;
    return true;
}

bool reactor_append_release(struct runner *runner, const struct reaction_item *item,
                            struct error *error)
{
    struct lane *lane = runner->reactor->lane;
    char event_id[UUID_TEXT_SIZE];
    struct release release = {
        .reaction = text_of(runner->reaction->name),
        .key = item->source.id,
        .event_id = {event_id, UUID_TEXT_SIZE - 1},
        .discard = runner->order.discard,
        .reason = text_of(runner->order.reason),
        .actor = text_of(runner->order.actor),
    };
    struct platform_entry entry = {
        .kind = PLATFORM_RELEASE,
        .body = &release,
        .correlation_id = item->source.correlation_id,
        .causation_id = item->source.event_id,
    };

    uuid_format(&item->source.event_id, event_id);
    return append(lane, &entry, store_stage_release(&lane->store, &release, error), error);
}
