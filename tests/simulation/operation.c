/* What any operation has: ids, a caller, perhaps a key or a precondition; the room says the rest.
 */
#include "lib/log/partition.h"
#include "lib/record/json.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/room.h"
#include "tests/simulation/world.h"
#include <assert.h>
#include <string.h>

static void draw_bytes(struct chance *chance, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)chance_draw(chance, 256);
}

void operation_draw_id(struct world *world, const struct uuid *command_id,
                       char ret_id[static ID_SIZE])
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

static void draw_aggregate(struct world *world, struct operation *operation)
{
    const char *known = crowd_draw_known(world, operation->command->aggregate);

    if (known != NULL)
        memcpy(operation->aggregate_id, known, ID_SIZE);
    if (known == NULL || chance_percent(&world->chance, 3))
        operation_draw_id(world, &operation->command_id, operation->aggregate_id);
    if (chance_percent(&world->chance, 10))
        operation->expected_version = (int64_t)chance_draw(&world->chance, 20);
}

void operation_draw(struct world *world, struct operation *operation)
{
    struct chance *chance = &world->chance;

    operation->expected_version = NO_VERSION;
    draw_bytes(chance, operation->command_id.bytes, sizeof(operation->command_id.bytes));
    draw_bytes(chance, operation->request_hash, sizeof(operation->request_hash));
    room_draw(world, operation);
    operation->keyed = operation->command->effect != COMMAND_CHANGES || chance_percent(chance, 80);
    if (operation->command->effect != COMMAND_CREATES)
        draw_aggregate(world, operation);
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
