/* The next release's product: every reserved unit counts twice, and a released reservation is
 * forgotten, so that its name may be used again. */
#define product_aggregate product_before
#include "command-svc/catalog/product.c"
#undef product_aggregate

static void evolve_next(void *root, struct part_slot *slot, const struct event *event)
{
    const struct stock_reserved *reserved = event->value;

    product_evolve(root, slot, event);
    if (event->kind == CATALOG_STOCK_RESERVED)
        ((struct product *)root)->reserved += reserved->quantity;
    if (event->kind == CATALOG_RESERVATION_RELEASED)
        slot->present = false;
}

extern const struct aggregate product_aggregate;
const struct aggregate product_aggregate = {
    .context = "catalog",
    .name = "product",
    .id_param = "product_id",
    .owner = "seller_id",
    .revision = 2,
    .root = &product_record,
    .part = &reservation_record,
    .event_records = catalog_events,
    .events = product_events,
    .not_found = &product_not_found,
    .not_owner = &product_not_yours,
    .evolve = evolve_next,
};
