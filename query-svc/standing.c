/* Positions compared with marks: in the order of the log, each partition for itself, never by time.
 */
#include "query-svc/standing.h"
#include "schemas/contexts.h"
#include <stdlib.h>
#include <string.h>

/* A projector that lives tells where it is once a second. */
#define HEARD_AGE_MS_MAX 5000

static const struct field view_position_fields[] = {
    {FIELD_AT(view_position, partition), .kind = FIELD_INTEGER},
    {FIELD_AT(view_position, context), .kind = FIELD_TEXT},
    {FIELD_AT(view_position, log), .kind = FIELD_TEXT, .optional = true},
    {FIELD_AT(view_position, next_offset), .kind = FIELD_INTEGER},
    {FIELD_AT(view_position, end_offset), .kind = FIELD_INTEGER},
    {FIELD_AT(view_position, parked), .kind = FIELD_INTEGER},
    {FIELD_AT(view_position, age_ms), .kind = FIELD_INTEGER},
};
const struct record view_position_record = {
    .name = "ViewPosition",
    .size = sizeof(struct view_position),
    .fields = view_position_fields,
    .field_count = COUNT_OF(view_position_fields),
};

bool standing_init(struct standing *standing, const struct view *view, int32_t partitions)
{
    *standing = (struct standing){.view = view, .partitions = partitions};
    while (view->contexts[standing->context_count] != NULL)
        standing->context_count++;
    standing->entries =
        calloc(standing->context_count * (size_t)partitions + 1, sizeof *standing->entries);
    return standing->entries != NULL;
}

void standing_done(struct standing *standing)
{
    free(standing->entries);
    standing->entries = NULL;
}

static size_t find_context(const struct standing *standing, struct text context)
{
    size_t i = 0;

    while (i < standing->context_count && !text_is(context, standing->view->contexts[i]))
        i++;
    return i;
}

static struct standing_entry *entry_at(const struct standing *standing, size_t context,
                                       int32_t partition)
{
    return &standing->entries[context * (size_t)standing->partitions + (size_t)partition];
}

/* An end of the log told at some time, and a view that has passed it: then it has everything
 * appended until that time. Where the end runs ahead of the view, one is kept until it is
 * passed. */
static void note_freshness(struct standing_entry *entry, const struct view_position *position,
                           int64_t now_boot_us)
{
    int64_t told_boot_us = now_boot_us - (position->age_ms > 0 ? position->age_ms * 1000 : 0);
    int64_t fresh_boot_us = 0;

    if (position->end_offset < 0)
        return;
    if (entry->goal_boot_us != 0 && position->next_offset >= entry->goal) {
        fresh_boot_us = entry->goal_boot_us;
        entry->goal_boot_us = 0;
    }
    if (position->next_offset >= position->end_offset) {
        fresh_boot_us = told_boot_us;
        entry->goal_boot_us = 0;
    } else if (entry->goal_boot_us == 0) {
        entry->goal = position->end_offset;
        entry->goal_boot_us = told_boot_us;
    }
    if (fresh_boot_us > entry->fresh_boot_us)
        entry->fresh_boot_us = fresh_boot_us;
}

static void set_entry(struct standing_entry *entry, const struct view_position *position,
                      int64_t now_boot_us)
{
    static const struct uuid none;
    struct uuid log = none;
    bool named = position->log.bytes != NULL && uuid_parse(position->log, &log);

    if (!uuid_equal(&log, &entry->log) || position->next_offset < entry->next)
        *entry = (struct standing_entry){.log = log};
    entry->told = true;
    entry->next = position->next_offset;
    entry->end = position->age_ms <= HEARD_AGE_MS_MAX ? position->end_offset : -1;
    entry->parked = position->parked;
    entry->known = named && !uuid_equal(&log, &none);
    note_freshness(entry, position, now_boot_us);
}

void standing_set(struct standing *standing, const struct db_rows *rows, int64_t now_boot_us)
{
    const struct view_position *positions = rows->items;
    size_t count = standing->context_count * (size_t)standing->partitions;

    for (size_t i = 0; i < count; i++)
        standing->entries[i].told = false;
    for (size_t i = 0; i < rows->count; i++) {
        const struct view_position *position = &positions[i];
        size_t context = find_context(standing, position->context);
        if (context == standing->context_count || position->partition < 0 ||
            position->partition >= standing->partitions)
            continue;
        set_entry(entry_at(standing, context, (int32_t)position->partition), position, now_boot_us);
    }
    for (size_t i = 0; i < count; i++)
        if (!standing->entries[i].told)
            standing->entries[i] = (struct standing_entry){0};
    standing->polled = true;
}

void standing_forget(struct standing *standing)
{
    memset(standing->entries, 0,
           standing->context_count * (size_t)standing->partitions * sizeof *standing->entries);
    standing->polled = false;
}

static enum view_outcome judge_mark(const struct standing *standing, const struct log_mark *mark)
{
    size_t context = find_context(standing, mark->context);
    const struct standing_entry *entry;

    if (context == standing->context_count)
        return context_named(mark->context) != NULL ? VIEW_REACHED : VIEW_POSITION_UNKNOWN;
    if (mark->partition < 0 || mark->partition >= standing->partitions)
        return VIEW_POSITION_UNKNOWN;
    entry = entry_at(standing, context, mark->partition);
    if (!entry->known)
        return VIEW_NOT_REACHED;
    if (!uuid_equal(&entry->log, &mark->log))
        return VIEW_POSITION_UNKNOWN;
    return entry->next > mark->offset ? VIEW_REACHED : VIEW_NOT_REACHED;
}

enum view_outcome standing_judge(const struct standing *standing, const struct log_mark *marks,
                                 size_t mark_count)
{
    enum view_outcome outcome = standing->polled ? VIEW_REACHED : VIEW_NOT_REACHED;

    for (size_t i = 0; i < mark_count; i++) {
        enum view_outcome one = judge_mark(standing, &marks[i]);
        if (one == VIEW_POSITION_UNKNOWN)
            return one;
        if (one == VIEW_NOT_REACHED)
            outcome = one;
    }
    return outcome;
}

static int32_t first_partition(int32_t partition)
{
    return partition == VIEWS_ALL_PARTITIONS ? 0 : partition;
}

static int32_t end_partition(const struct standing *standing, int32_t partition)
{
    return partition == VIEWS_ALL_PARTITIONS ? standing->partitions : partition + 1;
}

int64_t standing_lag(const struct standing *standing, int32_t partition)
{
    int64_t lag = 0;

    for (size_t context = 0; context < standing->context_count; context++)
        for (int32_t i = first_partition(partition); i < end_partition(standing, partition); i++) {
            const struct standing_entry *entry = entry_at(standing, context, i);
            if (!entry->known || entry->end < 0)
                return -1;
            lag += entry->end > entry->next ? entry->end - entry->next : 0;
        }
    return lag;
}

int64_t standing_age_us(const struct standing *standing, int32_t partition, int64_t now_boot_us)
{
    int64_t age_us = 0;

    for (size_t context = 0; context < standing->context_count; context++)
        for (int32_t i = first_partition(partition); i < end_partition(standing, partition); i++) {
            int64_t fresh_boot_us = entry_at(standing, context, i)->fresh_boot_us;
            if (fresh_boot_us == 0)
                return -1;
            if (now_boot_us - fresh_boot_us > age_us)
                age_us = now_boot_us - fresh_boot_us;
        }
    return age_us;
}

int64_t standing_progress(const struct standing *standing, int32_t partition)
{
    int64_t progress = 0;

    if (!standing->polled)
        return -1;
    for (size_t context = 0; context < standing->context_count; context++)
        for (int32_t i = first_partition(partition); i < end_partition(standing, partition); i++)
            progress += entry_at(standing, context, i)->next;
    return progress;
}

bool standing_parks_near(const struct standing *standing, const struct log_mark *marks,
                         size_t mark_count)
{
    for (size_t i = 0; i < mark_count; i++) {
        size_t context = find_context(standing, marks[i].context);
        if (context < standing->context_count && marks[i].partition >= 0 &&
            marks[i].partition < standing->partitions &&
            entry_at(standing, context, marks[i].partition)->parked > 0)
            return true;
    }
    return false;
}

static int64_t count_parked(const struct standing *standing, int32_t partition)
{
    int64_t parked = 0;

    for (size_t context = 0; context < standing->context_count; context++)
        for (int32_t i = first_partition(partition); i < end_partition(standing, partition); i++)
            parked += entry_at(standing, context, i)->parked;
    return parked;
}

static char *put_mark(char *at, const struct standing *standing, size_t context, int32_t partition)
{
    const struct standing_entry *entry = entry_at(standing, context, partition);
    struct log_mark mark = {.context = text_of(standing->view->contexts[context]),
                            .partition = partition,
                            .offset = entry->next - 1,
                            .log = entry->log};

    return at + log_mark_format(&mark, at);
}

static const char *print_integer(int64_t value, struct arena *arena)
{
    char digits[TEXT_INTEGER_SIZE];

    return arena_copy_text(arena, text_of_integer(value, digits)).bytes;
}

static const char *print_age(const struct standing *standing, int32_t partition,
                             int64_t now_boot_us, struct arena *arena)
{
    int64_t age_us = standing_age_us(standing, partition, now_boot_us);

    return age_us < 0 ? NULL : print_integer(age_us / 1000, arena);
}

bool standing_describe(const struct standing *standing, int32_t partition, int64_t now_boot_us,
                       struct arena *arena, struct view_standing *ret_standing)
{
    int32_t first = first_partition(partition), end = end_partition(standing, partition);
    int64_t lag = standing_lag(standing, partition);
    size_t marks_max = standing->context_count * (size_t)(end - first);
    char *position = arena_alloc(arena, marks_max * POSITION_TEXT_SIZE + 1), *at = position;
    const char *lag_text = lag < 0 ? NULL : print_integer(lag, arena);

    if (!standing->polled || position == NULL || (lag >= 0 && lag_text == NULL))
        return false;
    for (size_t context = 0; context < standing->context_count; context++)
        for (int32_t i = first; i < end; i++) {
            const struct standing_entry *entry = entry_at(standing, context, i);
            if (!entry->known || entry->next == 0)
                continue;
            if (at != position)
                *at++ = ',';
            at = put_mark(at, standing, context, i);
        }
    *at = '\0';
    int64_t parked = count_parked(standing, partition);
    *ret_standing = (struct view_standing){
        .position = position,
        .lag = lag_text,
        .age_ms = print_age(standing, partition, now_boot_us, arena),
        .parked = parked > 0 ? print_integer(parked, arena) : NULL,
    };
    return true;
}
