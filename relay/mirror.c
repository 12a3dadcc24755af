/* What has moved, one request a context. */
#include "relay/mirror.h"

#include "lib/core/arena.h"
#include "lib/core/logger.h"

#define INTERVAL_US INT64_C(2000000)
#define TIMEOUT_MS  2000

bool mirror_init(struct mirror *mirror, const struct relay_config *config, struct arena *arena,
                 struct error *error)
{
    *mirror = (struct mirror){
        .config = config,
        .offsets = arena_alloc(arena, (size_t)config->partitions * sizeof(*mirror->offsets)),
    };
    bool ok = mirror->offsets != NULL;
    for (size_t i = 0; ok && i < CONTEXT_COUNT; i++) {
        mirror->groups[i] = arena_print(arena, "sijang.relay.%s", contexts[i].name);
        ok = mirror->groups[i] != NULL;
    }
    return ok || error_set(error, FAULT_OUT_OF_MEMORY, "mirror");
}

void mirror_done(struct mirror *mirror)
{
    mirror->admin = log_admin_close(mirror->admin);
}

static int64_t published(const struct lane *lane, const struct lane_ground *ground)
{
    if (lane->publisher == NULL)
        return LOG_OFFSET_NONE;
    return log_reader_position(ground->reader, lane->source)->next;
}

static bool gather(const struct mirror *mirror, const struct lane *lanes,
                   const struct lane_ground *ground)
{
    bool any = false;

    for (int64_t i = 0; i < mirror->config->partitions; i++) {
        int64_t next = published(&lanes[i], ground);
        mirror->offsets[i] = next != lanes[i].shown ? next : LOG_OFFSET_NONE;
        any = any || mirror->offsets[i] != LOG_OFFSET_NONE;
    }
    return any;
}

static bool write_one(struct mirror *mirror, size_t context, struct lane *lanes,
                      struct error *error)
{
    const struct log_group group = {mirror->groups[context], contexts[context].topic,
                                    (int32_t)mirror->config->partitions};

    if (mirror->admin == NULL)
        mirror->admin = log_admin_open(mirror->config->kafka_brokers, TIMEOUT_MS, error);
    if (mirror->admin == NULL ||
        !log_admin_move_group(mirror->admin, &group, mirror->offsets, error))
        return false;
    for (int64_t i = 0; i < mirror->config->partitions; i++)
        if (mirror->offsets[i] != LOG_OFFSET_NONE)
            lanes[i].shown = mirror->offsets[i];
    return true;
}

void mirror_turn(struct mirror *mirror, struct lane *lanes, const struct lane_ground *ground,
                 int64_t boot_us)
{
    struct error error;
    bool ok = true;

    if (boot_us < mirror->due_boot_us || !log_reader_connected(ground->reader))
        return;
    mirror->due_boot_us = boot_us + INTERVAL_US;
    for (size_t i = 0; ok && i < CONTEXT_COUNT; i++, lanes += mirror->config->partitions)
        if (gather(mirror, lanes, ground))
            ok = write_one(mirror, i, lanes, &error);
    if (!ok && !mirror->failed)
        log_warning("progress_not_shown", LOG_ERROR(&error));
    mirror->failed = !ok;
}
