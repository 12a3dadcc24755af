/* What clients want: a few products that many of them create, fill, reserve and change. */
#include "command-svc/catalog/product.h"
#include "lib/log/partition.h"
#include "lib/record/json.h"
#include "schemas/roles.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/world.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

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

static void draw_bytes(struct chance *chance, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)chance_draw(chance, 256);
}

/* As the service does it: in the partition of the command id. */
void operation_draw_product(struct world *world, const struct uuid *command_id,
                            char ret_id[static PRODUCT_ID_SIZE])
{
    char command_text[UUID_TEXT_SIZE];
    struct uuid id;

    uuid_format(command_id, command_text);
    int32_t wanted = log_partition_of(text_of(command_text), world->plan.partitions);
    do {
        draw_bytes(&world->chance, id.bytes, sizeof(id.bytes));
        uuid_format(&id, ret_id);
    } while (log_partition_of(text_of(ret_id), world->plan.partitions) != wanted);
}

static enum wish draw_wish(struct world *world)
{
    static const enum wish wishes[] = {WISH_LIST,    WISH_ADJUST,  WISH_ADJUST,  WISH_RESERVE,
                                       WISH_RESERVE, WISH_RESERVE, WISH_RESERVE, WISH_COMMIT,
                                       WISH_RELEASE, WISH_RELEASE, WISH_PRICE};
    const struct crowd *crowd = world->crowd;

    if (crowd->product_count == 0)
        return WISH_LIST;
    enum wish wish = wishes[chance_draw(&world->chance, sizeof(wishes) / sizeof(wishes[0]))];
    if (wish == WISH_LIST && crowd->product_count >= world->plan.products)
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

void operation_draw(struct world *world, struct operation *operation)
{
    struct chance *chance = &world->chance;
    const struct crowd *crowd = world->crowd;
    enum wish wish = draw_wish(world);
    bool stranger = chance_percent(chance, 5);

    operation->command = commands[wish];
    operation->keyed = operation->command->effect != COMMAND_CHANGES || chance_percent(chance, 80);
    operation->subject = stranger ? "ben" : "anna";
    operation->roles = stranger ? ROLE_SELLER : ROLE_SELLER | ROLE_SERVICE;
    operation->expected_version = NO_VERSION;
    draw_bytes(chance, operation->command_id.bytes, sizeof(operation->command_id.bytes));
    draw_bytes(chance, operation->request_hash, sizeof(operation->request_hash));
    if (wish != WISH_LIST)
        memcpy(operation->product_id,
               crowd->products[chance_draw(chance, (uint64_t)crowd->product_count)],
               PRODUCT_ID_SIZE);
    if (wish != WISH_LIST && chance_percent(chance, 3))
        operation_draw_product(world, &operation->command_id, operation->product_id);
    if (wish != WISH_LIST && chance_percent(chance, 10))
        operation->expected_version = (int64_t)chance_draw(chance, 20);
    write_body(world, operation, wish);
}

void *operation_read_input(const struct operation *operation, struct arena *arena)
{
    const struct record *record = operation->command->input;
    struct json_reading reading = {.arena = arena};
    void *input = arena_alloc_zeroed(arena, record->size + 1);

    assert(input != NULL);
    enum json_outcome outcome = json_read(record, text_of(operation->body), &reading, input);
    for (size_t i = 0; i < record->field_count && outcome == JSON_OK; i++)
        if (record->fields[i].in_path)
            outcome = json_set_text(record, record->fields[i].name, text_of(operation->part_id),
                                    &reading, input);
    assert(outcome == JSON_OK);
    return input;
}
