/* Product: state and how events change it. */
#include "command-svc/catalog/product.h"

#include <assert.h>

static const char *const product_statuses[] = {"absent", "active", "delisted", NULL};
static const char *const reservation_statuses[] = {"absent", "open", "committed", "released", NULL};

static const struct field product_fields[] = {
    {FIELD_AT(product, seller_id), .kind = FIELD_TEXT},
    {FIELD_AT(product, status), .kind = FIELD_CHOICE, .symbols = product_statuses},
    {FIELD_AT(product, price), .kind = FIELD_INTEGER},
    {FIELD_AT(product, made_to_order), .kind = FIELD_BOOLEAN},
    {FIELD_AT(product, on_hand), .kind = FIELD_INTEGER},
    {FIELD_AT(product, reserved), .kind = FIELD_INTEGER},
};

static const struct record product_record = {
    .name = "Product",
    .size = sizeof(struct product),
    .fields = product_fields,
    .field_count = COUNT_OF(product_fields),
};

static const struct field reservation_fields[] = {
    {FIELD_AT(reservation, status), .kind = FIELD_CHOICE, .symbols = reservation_statuses},
    {FIELD_AT(reservation, quantity), .kind = FIELD_INTEGER},
    {FIELD_AT(reservation, unit_price), .kind = FIELD_INTEGER},
};

static const struct record reservation_record = {
    .name = "Reservation",
    .size = sizeof(struct reservation),
    .fields = reservation_fields,
    .field_count = COUNT_OF(reservation_fields),
};

int64_t product_available(const struct product *product)
{
    return product->on_hand - product->reserved;
}

static void evolve_listed(struct product *product, const struct product_listed *listed)
{
    *product = (struct product){
        .seller_id = listed->seller_id,
        .status = PRODUCT_ACTIVE,
        .price = listed->price,
        .made_to_order = listed->made_to_order,
    };
}

static void evolve_reserved(struct product *product, struct part_slot *slot,
                            const struct stock_reserved *reserved)
{
    product->reserved += reserved->quantity;
    slot->present = true;
    *(struct reservation *)slot->state = (struct reservation){
        .status = RESERVATION_OPEN,
        .quantity = reserved->quantity,
        .unit_price = reserved->unit_price,
    };
}

static void evolve_committed(struct product *product, struct part_slot *slot,
                             const struct reservation_committed *committed)
{
    struct reservation *reservation = slot->state;

    product->reserved -= committed->quantity;
    if (!product->made_to_order)
        product->on_hand -= committed->quantity;
    slot->present = true;
    reservation->status = RESERVATION_COMMITTED;
}

static void evolve_released(struct product *product, struct part_slot *slot,
                            const struct reservation_released *released)
{
    struct reservation *reservation = slot->state;

    product->reserved -= released->quantity;
    slot->present = true;
    reservation->status = RESERVATION_RELEASED;
}

static void product_evolve(void *root, struct part_slot *slot, const struct event *event)
{
    struct product *product = root;

    switch ((enum catalog_event)event->kind) {
    case CATALOG_PRODUCT_LISTED: evolve_listed(product, event->value); break;
    case CATALOG_PRODUCT_REVISED: break;
    case CATALOG_PRICE_CHANGED:
        product->price = ((const struct price_changed *)event->value)->price;
        break;
    case CATALOG_STOCK_ADJUSTED:
        product->on_hand += ((const struct stock_adjusted *)event->value)->delta;
        break;
    case CATALOG_STOCK_RESERVED: evolve_reserved(product, slot, event->value); break;
    case CATALOG_RESERVATION_COMMITTED: evolve_committed(product, slot, event->value); break;
    case CATALOG_RESERVATION_RELEASED: evolve_released(product, slot, event->value); break;
    case CATALOG_PRODUCT_DELISTED: product->status = PRODUCT_DELISTED; break;
    case CATALOG_EVENT_COUNT: assert(false);
    }
}

static const struct aggregate_event product_events[CATALOG_EVENT_COUNT] = {
    [CATALOG_STOCK_RESERVED] = {.part = "reservation_id"},
    [CATALOG_RESERVATION_COMMITTED] = {.part = "reservation_id"},
    [CATALOG_RESERVATION_RELEASED] = {.part = "reservation_id"},
};

const struct aggregate product_aggregate = {
    .context = "catalog",
    .name = "product",
    .id_param = "product_id",
    .owner = "seller_id",
    .revision = 1,
    .root = &product_record,
    .part = &reservation_record,
    .event_records = catalog_events,
    .events = product_events,
    .not_found = &product_not_found,
    .not_owner = &product_not_yours,
    .evolve = product_evolve,
};
