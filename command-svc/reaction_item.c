/* Items and their windows. */
#include "command-svc/reaction_item.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_ARENA_MAX (1024 * 1024)
#define FNV_OFFSET     UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME      UINT64_C(0x100000001b3)

struct reaction_item *reaction_item_create(void *owner, int64_t place)
{
    struct reaction_item *item = calloc(1, sizeof(*item));

    if (item == NULL)
        return NULL;
    item->owner = owner;
    item->place = place;
    arena_init(&item->arena, ITEM_ARENA_MAX);
    return item;
}

void reaction_item_destroy(struct reaction_item *item)
{
    arena_done(&item->arena);
    free(item);
}

static uint64_t mix(uint64_t hash, struct text text)
{
    for (size_t i = 0; i < text.size; i++)
        hash = (hash ^ (uint8_t)text.bytes[i]) * FNV_PRIME;
    return (hash ^ UINT8_MAX) * FNV_PRIME; /* ends the text: no byte of UTF-8 */
}

static uint64_t way_of(const struct triggered *source, const struct reaction_step *step)
{
    uint64_t way = mix(mix(FNV_OFFSET, text_of(source->aggregate->name)), source->id);

    way = mix(mix(way, text_of(step->command->aggregate->context)),
              text_of(step->command->aggregate->name));
    return mix(way, step->target_id);
}

bool reaction_item_react(struct reaction_item *item, const struct reaction *reaction)
{
    item->steps = (struct reaction_steps){.source_id = item->source.id, .arena = &item->arena};
    reaction->react(&item->source.event, &item->steps);
    for (size_t i = 0; i < item->steps.count; i++) {
        const struct reaction_step *asked = &item->steps.entries[i];
        item->runs[i] = (struct step_run){
            .item = item,
            .step = asked,
            .command_id = reaction_step_id(&item->source.event_id, reaction, asked->name),
            .way = way_of(&item->source, asked),
            .state = RUN_WAITING,
        };
    }
    item->undone = item->steps.count;
    return !item->steps.out_of_memory;
}

void reaction_window_push(struct reaction_window *window, struct reaction_item *item)
{
    item->next = NULL;
    if (window->last != NULL)
        window->last->next = item;
    else
        window->first = item;
    window->last = item;
    window->count++;
}

struct reaction_item *reaction_window_pop(struct reaction_window *window)
{
    struct reaction_item *item = window->first;

    assert(item != NULL);
    window->first = item->next;
    if (window->first == NULL)
        window->last = NULL;
    window->count--;
    return item;
}

static bool is_on_way(const struct reaction_item *item, uint64_t way, const struct step_run *before)
{
    for (size_t i = 0; i < item->steps.count && &item->runs[i] != before; i++)
        if (item->runs[i].way == way && item->runs[i].state != RUN_DONE)
            return true;
    return false;
}

bool reaction_run_may_go(const struct reaction_window *window, const struct step_run *run)
{
    for (const struct reaction_item *item = window->first; item != run->item; item = item->next)
        if (item->park_token == 0 && is_on_way(item, run->way, NULL))
            return false;
    return !is_on_way(run->item, run->way, run);
}

static void set_reason(struct reaction_item *item, const char *reason)
{
    size_t size = strlen(reason);

    size = size < sizeof(item->reason) - 1 ? size : sizeof(item->reason) - 1;
    memcpy(item->reason, reason, size);
    item->reason[size] = '\0';
}

static bool same_sender(const struct reaction_item *a, const struct reaction_item *b)
{
    return text_equal(a->source.id, b->source.id);
}

bool reaction_item_may_retry(const struct reaction_window *window, const struct reaction_item *item)
{
    const struct reaction_item *earlier = window->first;

    for (; earlier != item; earlier = earlier->next)
        if (earlier->released && earlier->undone > 0 && same_sender(earlier, item))
            return false;
    return true;
}

void reaction_item_fail(struct reaction_item *item, const char *failed_step, const char *reason)
{
    if (item->failing)
        return;
    item->failing = true;
    item->failed_step = failed_step;
    set_reason(item, reason);
    for (struct reaction_item *later = item->next; later != NULL; later = later->next)
        if (later->undone > 0 && !later->failing && same_sender(item, later)) {
            later->failing = true;
            set_reason(later, "follows");
        }
}
