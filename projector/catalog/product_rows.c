/* What the views of a product share. */
#include "projector/catalog/product_rows.h"

#include "lib/core/id.h"

const char *const product_row_statuses[] = {
    [PRODUCT_ROW_ACTIVE] = "active",
    [PRODUCT_ROW_DELISTED] = "delisted",
    NULL,
};

const char *const product_view_contexts[] = {"catalog", NULL};

const struct record *const product_view_events[] = {
    &product_listed_record,       &product_revised_record,  &price_changed_record,
    &stock_adjusted_record,       &stock_reserved_record,   &reservation_committed_record,
    &reservation_released_record, &product_delisted_record, NULL,
};

bool product_row_keys(const struct view_event *event, struct view_keys *ret_keys)
{
    struct uuid id;
    if (!uuid_parse(event->subject, &id))
        return false;
    char canonical[UUID_TEXT_SIZE];
    uuid_format(&id, canonical);
    if (!text_is(event->subject, canonical))
        return false;
    ret_keys->keys[0] = event->subject;
    ret_keys->count = 1;
    return true;
}

bool product_row_is_next(int64_t row_version, const struct view_event *event)
{
    bool listing = event->kind == CATALOG_PRODUCT_LISTED;
    return event->version == row_version + 1 && listing == (row_version == 0);
}

bool product_row_add(int64_t *units, int64_t delta)
{
    int64_t sum;
    if (__builtin_add_overflow(*units, delta, &sum))
        return false;
    *units = sum;
    return true;
}

bool product_row_subtract(int64_t *units, int64_t delta)
{
    int64_t difference;
    if (__builtin_sub_overflow(*units, delta, &difference))
        return false;
    *units = difference;
    return true;
}
