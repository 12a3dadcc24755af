/* The sweep walks the table of commands piece by piece and rests at its end. A piece is a commit of
 * the index: it goes between those of the log while none is on its way, else behind a barrier. */
#include "command-svc/memory.h"

#include "command-svc/metrics.h"
#include "lib/core/logger.h"
#include "lib/log/platform.h"
#include <string.h>

#define VISITED_A_PIECE 256
#define REST_US         (INT64_C(600) * 1000000)
#define PATIENCE_US     (INT64_C(10) * 1000000) /* with commits on their way */

bool memory_is_over(const struct lane *lane, const struct remembered *remembered)
{
    return !remembered->lasting && log_partition_clock_agrees(lane->log) &&
           log_partition_now_us(lane->log) - remembered->time_us > MEMORY_US;
}

struct piece {
    struct uuid ids[VISITED_A_PIECE];
    size_t count;
};

static bool visit(void *self, struct text key, struct text value)
{
    struct piece *piece = self;
    (void)value;

    if (key.size == sizeof(piece->ids[0].bytes))
        memcpy(piece->ids[piece->count++].bytes, key.bytes, key.size);
    return piece->count < VISITED_A_PIECE;
}

/* What the overlay knows of it counts: the key may have been used again just now. */
static bool stage_if_over(struct lane *lane, const struct uuid *id, int64_t *removed,
                          struct error *error)
{
    struct remembered remembered;
    struct text key = {(const char *)id->bytes, sizeof(id->bytes)};
    bool found;

    arena_reset(lane->arena);
    if (!store_find_command(&lane->store, id, lane->arena, &remembered, &found, error))
        return false;
    if (!found || !memory_is_over(lane, &remembered))
        return true;
    (*removed)++;
    return index_put(lane->store.index, INDEX_COMMANDS, key, (struct text){0}, error);
}

static bool commit_piece(struct lane *lane, struct error *error)
{
    static const struct platform_entry barrier = {.kind = PLATFORM_BARRIER};

    if (lane->appended == lane->acknowledged) {
        index_seal(lane->store.index);
        index_acknowledge(lane->store.index,
                          (struct text){(const char *)&lane->position, sizeof(lane->position)});
        return true;
    }
    if (!log_partition_append_platform(lane->log, &barrier, lane->appended + 1, error))
        return false;
    index_seal(lane->store.index);
    lane->appended++;
    return true;
}

static bool sweep_piece(struct lane *lane, const struct piece *piece, int64_t *ret_removed,
                        struct error *error)
{
    int64_t removed = 0;

    for (size_t i = 0; i < piece->count; i++) {
        if (!stage_if_over(lane, &piece->ids[i], &removed, error)) {
            index_abandon(lane->store.index);
            return false;
        }
    }
    if (removed > 0 && !commit_piece(lane, error)) {
        index_abandon(lane->store.index);
        return false;
    }
    *ret_removed = removed;
    return true;
}

static bool may_sweep(const struct lane *lane, int64_t boot_us)
{
    if (boot_us < lane->sweep.due_boot_us || !log_partition_clock_agrees(lane->log))
        return false;
    return lane->appended == lane->acknowledged || boot_us - lane->sweep.due_boot_us >= PATIENCE_US;
}

void memory_sweep(struct lane *lane, int64_t boot_us)
{
    struct piece piece = {.count = 0};
    struct index_scan scan = {
        .from = {(const char *)lane->sweep.next.bytes, sizeof(lane->sweep.next.bytes)},
        .visit = visit,
        .self = &piece,
    };
    struct error error;
    int64_t removed;

    if (!may_sweep(lane, boot_us))
        return;
    lane->sweep.due_boot_us = boot_us;
    if (!index_scan(lane->store.index, INDEX_COMMANDS, &scan, &error) ||
        !sweep_piece(lane, &piece, &removed, &error)) {
        log_warning("sweep_failed", LOG_NUMBER("partition", lane->number), LOG_ERROR(&error));
        lane->sweep.due_boot_us = boot_us + REST_US;
        return;
    }
    metric_add(&metric_forgotten, removed);
    if (piece.count == VISITED_A_PIECE) {
        lane->sweep.next = piece.ids[VISITED_A_PIECE - 1];
        return;
    }
    lane->sweep.next = (struct uuid){{0}};
    lane->sweep.due_boot_us = boot_us + REST_US;
}
