/* product_detail: one product with everything its page shows. */
#include "projector/catalog/product_detail.h"

#include "projector/catalog/product_rows.h"

static const struct field product_detail_fields[] = {
    {FIELD_AT(product_detail_row, product_id), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(product_detail_row, seller_id), .kind = FIELD_TEXT},
    {FIELD_AT(product_detail_row, title), .kind = FIELD_TEXT},
    {FIELD_AT(product_detail_row, description), .kind = FIELD_TEXT, .optional = true},
    {FIELD_AT(product_detail_row, price), .kind = FIELD_INTEGER},
    {FIELD_AT(product_detail_row, made_to_order), .kind = FIELD_BOOLEAN},
    {FIELD_AT(product_detail_row, status), .kind = FIELD_CHOICE, .symbols = product_row_statuses},
    {FIELD_AT(product_detail_row, on_hand), .kind = FIELD_INTEGER},
    {FIELD_AT(product_detail_row, reserved), .kind = FIELD_INTEGER},
    {FIELD_AT(product_detail_row, version), .kind = FIELD_INTEGER},
};

static const struct record product_detail_record = {
    .name = "ProductDetail",
    .size = sizeof(struct product_detail_row),
    .fields = product_detail_fields,
    .field_count = COUNT_OF(product_detail_fields),
};

static const enum db_type load_types[] = {DB_UUID_ARRAY};

static const struct db_statement product_detail_load = {
    .name = "product_detail_load",
    .sql = "SELECT product_id, seller_id, title, description, price, made_to_order, status,"
           " on_hand, reserved, version"
           " FROM product_detail WHERE product_id = ANY ($1::uuid[])",
    .parameters = load_types,
    .parameter_count = COUNT_OF(load_types),
    .row = &product_detail_record,
};

static const enum db_type upsert_types[] = {
    DB_UUID_ARRAY,    DB_TEXT_ARRAY, DB_TEXT_ARRAY,   DB_TEXT_ARRAY,   DB_BIGINT_ARRAY,
    DB_BOOLEAN_ARRAY, DB_TEXT_ARRAY, DB_BIGINT_ARRAY, DB_BIGINT_ARRAY, DB_BIGINT_ARRAY,
};

static const struct db_statement product_detail_upsert = {
    .name = "product_detail_upsert",
    .sql = "INSERT INTO product_detail (product_id, seller_id, title, description, price,"
           " made_to_order, status, on_hand, reserved, version)"
           " SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), "
           "unnest($4::text[]), unnest($5::bigint[]), unnest($6::boolean[]), unnest($7::text[]), "
           "unnest($8::bigint[]), unnest($9::bigint[]), unnest($10::bigint[])"
           " ON CONFLICT (product_id) DO UPDATE SET seller_id = excluded.seller_id,"
           " title = excluded.title, description = excluded.description, price = excluded.price,"
           " made_to_order = excluded.made_to_order, status = excluded.status,"
           " on_hand = excluded.on_hand, reserved = excluded.reserved, version = excluded.version",
    .parameters = upsert_types,
    .parameter_count = COUNT_OF(upsert_types),
};

static const char product_detail_copy[] =
    "COPY product_detail (product_id, seller_id, title, description, price, made_to_order, status,"
    " on_hand, reserved, version) FROM STDIN (FORMAT binary)";

static bool listed(struct product_detail_row *row, const struct product_listed *event)
{
    row->seller_id = event->seller_id;
    row->title = event->title;
    row->description = event->description;
    row->price = event->price;
    row->made_to_order = event->made_to_order;
    row->status = PRODUCT_ROW_ACTIVE;
    return true;
}

static bool revised(struct product_detail_row *row, const struct product_revised *event)
{
    if (event->title.bytes != NULL)
        row->title = event->title;
    if (event->description.bytes != NULL)
        row->description = event->description;
    return true;
}

static bool repriced(struct product_detail_row *row, const struct price_changed *event)
{
    row->price = event->price;
    return true;
}

static bool adjusted(struct product_detail_row *row, const struct stock_adjusted *event)
{
    return product_row_add(&row->on_hand, event->delta);
}

static bool reserved(struct product_detail_row *row, const struct stock_reserved *event)
{
    return product_row_add(&row->reserved, event->quantity);
}

static bool committed(struct product_detail_row *row, const struct reservation_committed *event)
{
    return product_row_subtract(&row->reserved, event->quantity) &&
           (row->made_to_order || product_row_subtract(&row->on_hand, event->quantity));
}

static bool released(struct product_detail_row *row, const struct reservation_released *event)
{
    return product_row_subtract(&row->reserved, event->quantity);
}

static bool delisted(struct product_detail_row *row)
{
    row->status = PRODUCT_ROW_DELISTED;
    return true;
}

static bool change(struct product_detail_row *row, const struct view_event *event)
{
    switch ((enum catalog_event)event->kind) {
    case CATALOG_PRODUCT_LISTED: return listed(row, event->value);
    case CATALOG_PRODUCT_REVISED: return revised(row, event->value);
    case CATALOG_PRICE_CHANGED: return repriced(row, event->value);
    case CATALOG_STOCK_ADJUSTED: return adjusted(row, event->value);
    case CATALOG_STOCK_RESERVED: return reserved(row, event->value);
    case CATALOG_RESERVATION_COMMITTED: return committed(row, event->value);
    case CATALOG_RESERVATION_RELEASED: return released(row, event->value);
    case CATALOG_PRODUCT_DELISTED: return delisted(row);
    case CATALOG_EVENT_COUNT: break;
    }
    return false;
}

static enum view_outcome product_detail_apply(void *state, const struct view_event *event)
{
    struct product_detail_row *row = state;
    if (!product_row_is_next(row->version, event) || !change(row, event))
        return VIEW_REFUSED;
    row->version = event->version;
    return VIEW_APPLIED;
}

const struct view product_detail_view = {
    .name = "product_detail",
    .revision = 1,
    .schema = "view_product_detail_r1",
    .contexts = product_view_contexts,
    .events = product_view_events,
    .row = &product_detail_record,
    .key = "product_id",
    .load = &product_detail_load,
    .upsert = &product_detail_upsert,
    .copy = product_detail_copy,
    .keys = product_row_keys,
    .apply = product_detail_apply,
};
