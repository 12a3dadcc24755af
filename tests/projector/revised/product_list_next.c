/* Revision 2 of product_list: a column in the middle, and what it takes to fill it. */
#include "tests/projector/revised/product_list_next.h"

#include "projector/catalog/product_list.h"
#include "projector/catalog/product_rows.h"

struct product_list_next_row {
    struct product_list_row line; /* as the first revision has it */
    int64_t sold;
};

#define LINE(member) .name = #member, .offset = offsetof(struct product_list_row, member)

static const struct field next_fields[] = {
    {LINE(product_id), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {LINE(seller_id), .kind = FIELD_TEXT},
    {LINE(title), .kind = FIELD_TEXT},
    {FIELD_AT(product_list_next_row, sold), .kind = FIELD_INTEGER},
    {LINE(price), .kind = FIELD_INTEGER},
    {LINE(made_to_order), .kind = FIELD_BOOLEAN},
    {LINE(status), .kind = FIELD_CHOICE, .symbols = product_row_statuses},
    {LINE(available), .kind = FIELD_INTEGER},
    {LINE(version), .kind = FIELD_INTEGER},
};

static const struct record next_record = {
    .name = "ProductListNext",
    .size = sizeof(struct product_list_next_row),
    .fields = next_fields,
    .field_count = COUNT_OF(next_fields),
};

static const enum db_type load_types[] = {DB_UUID_ARRAY};

static const struct db_statement next_load = {
    .name = "product_list_load",
    .sql = "SELECT product_id, seller_id, title, sold, price, made_to_order, status, available,"
           " version FROM product_list WHERE product_id = ANY ($1::uuid[])",
    .parameters = load_types,
    .parameter_count = COUNT_OF(load_types),
    .row = &next_record,
};

static const enum db_type upsert_types[] = {
    DB_UUID_ARRAY,    DB_TEXT_ARRAY, DB_TEXT_ARRAY,   DB_BIGINT_ARRAY, DB_BIGINT_ARRAY,
    DB_BOOLEAN_ARRAY, DB_TEXT_ARRAY, DB_BIGINT_ARRAY, DB_BIGINT_ARRAY,
};

static const struct db_statement next_upsert = {
    .name = "product_list_upsert",
    .sql = "INSERT INTO product_list (product_id, seller_id, title, sold, price, made_to_order,"
           " status, available, version)"
           " SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],"
           " $6::boolean[], $7::text[], $8::bigint[], $9::bigint[])"
           " ON CONFLICT (product_id) DO UPDATE SET seller_id = excluded.seller_id,"
           " title = excluded.title, sold = excluded.sold, price = excluded.price,"
           " made_to_order = excluded.made_to_order, status = excluded.status,"
           " available = excluded.available, version = excluded.version",
    .parameters = upsert_types,
    .parameter_count = COUNT_OF(upsert_types),
};

static enum view_outcome next_apply(void *state, const struct view_event *event)
{
    struct product_list_next_row *row = state;
    enum view_outcome outcome = product_list_view.apply(&row->line, event);
    if (outcome != VIEW_APPLIED || event->kind != CATALOG_RESERVATION_COMMITTED)
        return outcome;
    const struct reservation_committed *committed = event->value;
    return product_row_add(&row->sold, committed->quantity) ? VIEW_APPLIED : VIEW_REFUSED;
}

const struct view product_list_next_view = {
    .name = "product_list",
    .revision = 2,
    .schema = "view_product_list_r2",
    .contexts = product_view_contexts,
    .events = product_view_events,
    .row = &next_record,
    .key = "product_id",
    .load = &next_load,
    .upsert = &next_upsert,
    .copy = "COPY product_list (product_id, seller_id, title, sold, price, made_to_order, status,"
            " available, version) FROM STDIN (FORMAT binary)",
    .keys = product_row_keys,
    .apply = next_apply,
};
