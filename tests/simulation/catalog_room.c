/* The catalog: a few products that many clients create, fill, reserve and change. */
#include "command-svc/catalog/product.h"
#include "schemas/roles.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/history.h"
#include "tests/simulation/room.h"
#include "tests/simulation/world.h"
#include <stdio.h>

#define PARTS_KNOWN 6

extern const struct command list_product, adjust_stock, reserve_stock, commit_reservation,
    release_reservation, change_price, delist_product;

enum wish { WISH_LIST, WISH_ADJUST, WISH_RESERVE, WISH_COMMIT, WISH_RELEASE, WISH_PRICE, WISH_END };

static const struct command *const commands[] = {
    [WISH_LIST] = &list_product,           [WISH_ADJUST] = &adjust_stock,
    [WISH_RESERVE] = &reserve_stock,       [WISH_COMMIT] = &commit_reservation,
    [WISH_RELEASE] = &release_reservation, [WISH_PRICE] = &change_price,
    [WISH_END] = &delist_product,
};

static enum wish draw_wish(struct world *world)
{
    static const enum wish wishes[] = {WISH_LIST,    WISH_ADJUST,  WISH_ADJUST,  WISH_RESERVE,
                                       WISH_RESERVE, WISH_RESERVE, WISH_RESERVE, WISH_COMMIT,
                                       WISH_RELEASE, WISH_RELEASE, WISH_PRICE};
    int count = crowd_count_known(world->crowd, &product_aggregate);

    if (count == 0)
        return WISH_LIST;
    enum wish wish = wishes[chance_draw(&world->chance, sizeof(wishes) / sizeof(wishes[0]))];
    if (wish == WISH_LIST && count >= world->plan.products)
        return chance_percent(&world->chance, 5) ? WISH_END : WISH_RESERVE;
    return wish;
}

static void draw_part(struct world *world, struct operation *operation, bool fresh)
{
    struct crowd *crowd = world->crowd;
    int number = crowd->part_count - (int)chance_draw(&world->chance, PARTS_KNOWN);

    if (fresh && chance_percent(&world->chance, 80))
        number = ++crowd->part_count;
    snprintf(operation->part_id, sizeof(operation->part_id), "r%d", number < 0 ? 0 : number);
}

static void write_body(struct world *world, struct operation *operation, enum wish wish)
{
    struct chance *chance = &world->chance;
    char *body = operation->body;

    switch (wish) {
    case WISH_LIST:
        snprintf(body, BODY_SIZE, "{\"title\":\"t\",\"price\":%d,\"stock\":%d}",
                 1 + (int)chance_draw(chance, 3), (int)chance_draw(chance, 12));
        break;
    case WISH_ADJUST:
        snprintf(body, BODY_SIZE, "{\"delta\":%d,\"reason\":\"r\"}",
                 (int)chance_between(chance, -6, 6));
        break;
    case WISH_RESERVE:
        draw_part(world, operation, true);
        snprintf(body, BODY_SIZE, "{\"reservation_id\":\"%s\",\"quantity\":%d}", operation->part_id,
                 1 + (int)chance_draw(chance, 4));
        break;
    case WISH_COMMIT:
    case WISH_RELEASE: draw_part(world, operation, false); break;
    case WISH_PRICE:
        snprintf(body, BODY_SIZE, "{\"price\":%d}", 1 + (int)chance_draw(chance, 3));
        break;
    case WISH_END: break;
    }
}

void room_draw(struct world *world, struct operation *operation)
{
    enum wish wish = draw_wish(world);
    bool stranger = chance_percent(&world->chance, 5);

    operation->command = commands[wish];
    operation->subject = stranger ? "ben" : "anna";
    operation->roles = stranger ? ROLE_SELLER : ROLE_SELLER | ROLE_SERVICE;
    write_body(world, operation, wish);
}

/* What the room promises, written down without it. */
static void check_stock(const struct world *world, const struct history *history, int number)
{
    const struct stream *stream = &history->commits[number].stream;
    int64_t on_hand = 0, reserved = 0;

    for (int i = 0; i <= number; i++) {
        const struct history_commit *commit = &history->commits[i];
        for (int e = 0; e < commit->count && stream_equal(&commit->stream, stream); e++) {
            const void *value = commit->events[e].seen.value;
            const struct record *record = commit->events[e].record;
            if (record == &stock_adjusted_record)
                on_hand += ((const struct stock_adjusted *)value)->delta;
            else if (record == &stock_reserved_record)
                reserved += ((const struct stock_reserved *)value)->quantity;
            else if (record == &reservation_released_record)
                reserved -= ((const struct reservation_released *)value)->quantity;
            else if (record == &reservation_committed_record) {
                reserved -= ((const struct reservation_committed *)value)->quantity;
                on_hand -= ((const struct reservation_committed *)value)->quantity;
            }
        }
    }
    if (on_hand < reserved || reserved < 0)
        world_fail(world, "%lld units on hand, %lld reserved", (long long)on_hand,
                   (long long)reserved);
}

void room_check(const struct world *world, const struct history *history)
{
    for (int i = 0; i < history->commit_count; i++)
        check_stock(world, history, i);
}

bool room_rests(const struct history *history)
{
    (void)history;
    return true;
}
