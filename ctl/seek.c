/* sijangctl seek: moves a consumer group to another place in a topic. */
#include "ctl/command.h"

#include "ctl/topic_reading.h"
#include "lib/log/position.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTITIONS_MAX 1024

static const struct config_entry settings[] = {BROKERS_SETTING(struct brokers_settings), {0}};

struct seeking {
    struct log_group group;
    struct place to;
    int32_t partition; /* or ALL_PARTITIONS */
    bool tries;        /* only shows what it would do */
    bool json;
    int64_t before[PARTITIONS_MAX];
    int64_t after[PARTITIONS_MAX]; /* NONE: stays */
};

static bool find_places(struct seeking *seeking, struct log_admin *admin, struct error *error)
{
    struct log_group *group = &seeking->group;

    if (!log_admin_partition_count(admin, group->topic, &group->partition_count, error))
        return false;
    if (group->partition_count > PARTITIONS_MAX || seeking->partition >= group->partition_count)
        return error_set(error, FAULT_CONFIG_INVALID, "%s has %" PRId32 " partitions, 0 the first",
                         group->topic, group->partition_count);
    for (int32_t i = 0; i < group->partition_count; i++) {
        const struct log_place place = {group->topic, i};
        seeking->after[i] = LOG_OFFSET_NONE;
        if ((seeking->partition == ALL_PARTITIONS || seeking->partition == i) &&
            !place_find(admin, &place, &seeking->to, &seeking->after[i], error))
            return false;
    }
    return log_admin_group_offsets(admin, group, seeking->before, error);
}

static void print_offset(char separator, int64_t offset)
{
    if (offset == LOG_OFFSET_NONE)
        (void)printf("%c%12s", separator, "-");
    else
        (void)printf("%c%12" PRId64, separator, offset);
}

static void print_row(const struct seeking *seeking, int32_t partition)
{
    int64_t before = seeking->before[partition], after = seeking->after[partition];

    if (!seeking->json) {
        (void)printf("%9" PRId32, partition);
        print_offset(' ', before);
        print_offset(' ', after == LOG_OFFSET_NONE ? before : after);
        (void)printf("\n");
        return;
    }
    (void)printf("{\"partition\":%" PRId32, partition);
    if (before != LOG_OFFSET_NONE)
        (void)printf(",\"before\":%" PRId64, before);
    if (after != LOG_OFFSET_NONE)
        (void)printf(",\"after\":%" PRId64, after);
    (void)printf("}\n");
}

static bool move(struct seeking *seeking, struct log_admin *admin, struct error *error)
{
    if (!find_places(seeking, admin, error))
        return false;
    if (!seeking->tries && !log_admin_move_group(admin, &seeking->group, seeking->after, error))
        return error_add(error, "a group moves only while it has no members");
    if (!seeking->json)
        (void)printf("%9s %12s %12s\n", "PARTITION", "BEFORE", "AFTER");
    for (int32_t i = 0; i < seeking->group.partition_count; i++)
        print_row(seeking, i);
    return true;
}

static bool read_option(int found, char **argv, struct seeking *seeking, struct error *error)
{
    switch (found) {
    case 'j': seeking->json = true; return true;
    case 'd': seeking->tries = true; return true;
    case 'p': return command_partition(optarg, &seeking->partition, error);
    default: return command_misused(argv, error) == COMMAND_DONE;
    }
}

static bool read_arguments(int argc, char **argv, struct seeking *seeking, struct error *error)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"dry-run", no_argument, NULL, 'd'},
        {"partition", required_argument, NULL, 'p'},
        {0},
    };
    int found;

    seeking->partition = ALL_PARTITIONS;
    opterr = 0;
    while ((found = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!read_option(found, argv, seeking, error))
            return false;
    if (optind + 3 != argc)
        return error_set(error, FAULT_CONFIG_INVALID,
                         "GROUP, TOPIC and PLACE are needed, try --help");
    seeking->group.name = argv[optind];
    seeking->group.topic = topic_named(argv[optind + 1]);
    return place_parse("PLACE", argv[optind + 2], &seeking->to, error);
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    static struct seeking seeking;
    struct brokers_settings given;

    if (!read_arguments(argc, argv, &seeking, error) || !config_load(settings, &given, error))
        return COMMAND_MISUSED;
    struct log_admin *admin = log_admin_open(given.brokers, ADMIN_TIMEOUT_MS, error);
    bool moved = admin != NULL && move(&seeking, admin, error);
    log_admin_close(admin);
    return moved ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command seek = {
    .words = {"seek"},
    .arguments = "GROUP TOPIC|CONTEXT PLACE [--partition N] [--dry-run] [--json]",
    .help =
        "  Moves a consumer group's offsets, and shows them before and after. The group must\n"
        "  have no members at that moment: stop its consumers first.\n"
        "\n"
        "  PLACE          begin, end, an offset, a time (2026-01-31T12:00:00Z: the first record\n"
        "                 appended then or later), or a position (catalog/3@17~...: behind it,\n"
        "                 other partitions stay)\n"
        "  --partition N  only this one; the first one is 0\n"
        "  --dry-run      shows what would be, and changes nothing\n"
        "  --json         an object a line\n"
        "\n"
        "  Example: sijangctl seek reports catalog 2026-01-31T12:00:00Z --dry-run\n",
    .settings = settings,
    .run = run,
};
