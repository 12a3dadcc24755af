/* product_list: a line per product, for lists and search. */
#include "projector/catalog/product_list.h"

#include "projector/catalog/product_rows.h"

static const struct field product_list_fields[] = {
    {FIELD_AT(product_list_row, product_id), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(product_list_row, seller_id), .kind = FIELD_TEXT},
    {FIELD_AT(product_list_row, title), .kind = FIELD_TEXT},
    {FIELD_AT(product_list_row, price), .kind = FIELD_INTEGER},
    {FIELD_AT(product_list_row, made_to_order), .kind = FIELD_BOOLEAN},
    {FIELD_AT(product_list_row, status), .kind = FIELD_CHOICE, .symbols = product_row_statuses},
    {FIELD_AT(product_list_row, available), .kind = FIELD_INTEGER},
    {FIELD_AT(product_list_row, version), .kind = FIELD_INTEGER},
};

static const struct record product_list_record = {
    .name = "ProductList",
    .size = sizeof(struct product_list_row),
    .fields = product_list_fields,
    .field_count = COUNT_OF(product_list_fields),
};

static const enum db_type load_types[] = {DB_UUID_ARRAY};

static const struct db_statement product_list_load = {
    .name = "product_list_load",
    .sql = "SELECT product_id, seller_id, title, price, made_to_order, status, available, version"
           " FROM product_list WHERE product_id = ANY ($1::uuid[])",
    .parameters = load_types,
    .parameter_count = COUNT_OF(load_types),
    .row = &product_list_record,
};

static const enum db_type upsert_types[] = {
    DB_UUID_ARRAY,    DB_TEXT_ARRAY, DB_TEXT_ARRAY,   DB_BIGINT_ARRAY,
    DB_BOOLEAN_ARRAY, DB_TEXT_ARRAY, DB_BIGINT_ARRAY, DB_BIGINT_ARRAY,
};

static const struct db_statement product_list_upsert = {
    .name = "product_list_upsert",
    .sql =
        "INSERT INTO product_list (product_id, seller_id, title, price, made_to_order, status,"
        " available, version)"
        " SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::bigint[]), "
        "unnest($5::boolean[]), unnest($6::text[]), unnest($7::bigint[]), unnest($8::bigint[])"
        " ON CONFLICT (product_id) DO UPDATE SET seller_id = excluded.seller_id,"
        " title = excluded.title, price = excluded.price,"
        " made_to_order = excluded.made_to_order, status = excluded.status,"
        " available = excluded.available, version = excluded.version",
    .parameters = upsert_types,
    .parameter_count = COUNT_OF(upsert_types),
};

static const char product_list_copy[] =
    "COPY product_list (product_id, seller_id, title, price, made_to_order, status, available,"
    " version) FROM STDIN (FORMAT binary)";

static bool listed(struct product_list_row *row, const struct product_listed *event)
{
    row->seller_id = event->seller_id;
    row->title = event->title;
    row->price = event->price;
    row->made_to_order = event->made_to_order;
    row->status = PRODUCT_ROW_ACTIVE;
    return true;
}

static bool revised(struct product_list_row *row, const struct product_revised *event)
{
    if (event->title.bytes != NULL)
        row->title = event->title;
    return true;
}

static bool repriced(struct product_list_row *row, const struct price_changed *event)
{
    row->price = event->price;
    return true;
}

/* What is made to order is not counted. */
static bool adjusted(struct product_list_row *row, const struct stock_adjusted *event)
{
    return row->made_to_order || product_row_add(&row->available, event->delta);
}

static bool reserved(struct product_list_row *row, const struct stock_reserved *event)
{
    return row->made_to_order || product_row_subtract(&row->available, event->quantity);
}

static bool released(struct product_list_row *row, const struct reservation_released *event)
{
    return row->made_to_order || product_row_add(&row->available, event->quantity);
}

static bool delisted(struct product_list_row *row)
{
    row->status = PRODUCT_ROW_DELISTED;
    return true;
}

static bool change(struct product_list_row *row, const struct view_event *event)
{
    switch ((enum catalog_event)event->kind) {
    case CATALOG_PRODUCT_LISTED: return listed(row, event->value);
    case CATALOG_PRODUCT_REVISED: return revised(row, event->value);
    case CATALOG_PRICE_CHANGED: return repriced(row, event->value);
    case CATALOG_STOCK_ADJUSTED: return adjusted(row, event->value);
    case CATALOG_STOCK_RESERVED: return reserved(row, event->value);
    case CATALOG_RESERVATION_COMMITTED: return true; /* held units were not available before */
    case CATALOG_RESERVATION_RELEASED: return released(row, event->value);
    case CATALOG_PRODUCT_DELISTED: return delisted(row);
    case CATALOG_EVENT_COUNT: break;
    }
    return false;
}

static enum view_outcome product_list_apply(void *state, const struct view_event *event)
{
    struct product_list_row *row = state;
    if (!product_row_is_next(row->version, event) || !change(row, event))
        return VIEW_REFUSED;
    row->version = event->version;
    return VIEW_APPLIED;
}

const struct view product_list_view = {
    .name = "product_list",
    .revision = 1,
    .schema = "view_product_list_r1",
    .contexts = product_view_contexts,
    .events = product_view_events,
    .row = &product_list_record,
    .key = "product_id",
    .load = &product_list_load,
    .upsert = &product_list_upsert,
    .copy = product_list_copy,
    .keys = product_row_keys,
    .apply = product_list_apply,
};
