/* Exchange and vault: transfers that reactions carry from purses to chests, or deadlines end. */
#include "command-svc/exchange/purse.h"
#include "command-svc/exchange/transfer.h"
#include "command-svc/vault/chest.h"
#include "schemas/roles.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/history.h"
#include "tests/simulation/room.h"
#include "tests/simulation/world.h"
#include <stdio.h>

#define PURSES_MAX      3
#define CHESTS_MAX      2
#define PATIENCE_MS_MAX 3000

extern const struct command open_purse, open_chest, request_transfer, approve_transfer;

static const struct command *draw_command(struct world *world)
{
    const struct crowd *crowd = world->crowd;
    int purses = crowd_count_known(crowd, &purse_aggregate);
    int chests = crowd_count_known(crowd, &chest_aggregate);
    uint64_t dice = chance_draw(&world->chance, 100);

    if (purses == 0 || (purses < PURSES_MAX && dice < 10))
        return &open_purse;
    if (chests == 0 || (chests < CHESTS_MAX && dice < 20))
        return &open_chest;
    return dice < 60 ? &request_transfer : &approve_transfer;
}

void room_draw(struct world *world, struct operation *operation)
{
    struct chance *chance = &world->chance;

    operation->command = draw_command(world);
    operation->subject = "anna";
    operation->roles = ROLE_ADMIN | ROLE_CUSTOMER;
    if (operation->command == &open_purse)
        snprintf(operation->body, BODY_SIZE, "{\"coins\":%d}", (int)chance_draw(chance, 40));
    else if (operation->command == &open_chest)
        snprintf(operation->body, BODY_SIZE, "{\"capacity\":%d}", (int)chance_draw(chance, 60));
    else if (operation->command == &request_transfer)
        snprintf(operation->body, BODY_SIZE,
                 "{\"purse_id\":\"%s\",\"chest_id\":\"%s\",\"amount\":%d,\"patience_ms\":%d}",
                 crowd_draw_known(world, &purse_aggregate),
                 crowd_draw_known(world, &chest_aggregate), 1 + (int)chance_draw(chance, 6),
                 (int)chance_draw(chance, PATIENCE_MS_MAX));
}

/* What became of a transfer, by the events of all three aggregates. */
struct journey {
    int64_t requested, deposited, taken;
    bool held, released, completed, cancelled;
};

static void note_transfer(const struct history_event *event, struct journey *journey)
{
    if (event->record == &transfer_requested_record)
        journey->requested = ((const struct transfer_requested *)event->seen.value)->amount;
    journey->completed = journey->completed || event->record == &transfer_completed_record;
    journey->cancelled = journey->cancelled || event->record == &transfer_cancelled_record;
}

static void note_elsewhere(const struct history_event *event, struct text transfer,
                           struct journey *journey)
{
    const void *value = event->seen.value;

    if (event->record == &coins_held_record &&
        text_equal(((const struct coins_held *)value)->hold_id, transfer))
        journey->held = true;
    else if (event->record == &hold_taken_record &&
             text_equal(((const struct hold_taken *)value)->hold_id, transfer))
        journey->taken += ((const struct hold_taken *)value)->amount;
    else if (event->record == &hold_released_record &&
             text_equal(((const struct hold_released *)value)->hold_id, transfer))
        journey->released = true;
    else if (event->record == &coins_deposited_record &&
             text_equal(((const struct coins_deposited *)value)->deposit_id, transfer))
        journey->deposited += ((const struct coins_deposited *)value)->amount;
}

static struct journey follow(const struct history *history, struct text transfer)
{
    struct journey journey = {0};

    for (int i = 0; i < history->commit_count; i++) {
        const struct history_commit *commit = &history->commits[i];
        for (int e = 0; e < commit->count; e++) {
            note_elsewhere(&commit->events[e], transfer, &journey);
            if (text_equal(commit->stream.id, transfer))
                note_transfer(&commit->events[e], &journey);
        }
    }
    return journey;
}

static bool opens_transfer(const struct history_commit *commit)
{
    return commit->events[0].record == &transfer_requested_record;
}

static void check_journey(const struct world *world, struct text transfer,
                          const struct journey *journey)
{
    bool right = journey->completed ? journey->deposited == journey->requested &&
                                          journey->taken == journey->requested && !journey->released
                                    : journey->deposited == 0 && journey->taken == 0;

    if (journey->completed && journey->cancelled)
        right = false;
    if (!journey->completed && !journey->cancelled)
        world_fail(world, "transfer %.*s never ends", TEXT_ARGS(transfer));
    if (journey->cancelled && journey->held && !journey->released)
        right = false;
    if (!right)
        world_fail(world, "transfer %.*s of %lld: %lld taken, %lld deposited, %s",
                   TEXT_ARGS(transfer), (long long)journey->requested, (long long)journey->taken,
                   (long long)journey->deposited, journey->completed ? "completed" : "cancelled");
}

void room_check(const struct world *world, const struct history *history)
{
    for (int i = 0; i < history->commit_count; i++) {
        if (!opens_transfer(&history->commits[i]))
            continue;
        struct journey journey = follow(history, history->commits[i].stream.id);
        check_journey(world, history->commits[i].stream.id, &journey);
    }
}

bool room_rests(const struct history *history)
{
    for (int i = 0; i < history->commit_count; i++) {
        if (!opens_transfer(&history->commits[i]))
            continue;
        struct journey journey = follow(history, history->commits[i].stream.id);
        if (!journey.completed && !journey.cancelled)
            return false;
    }
    return true;
}
