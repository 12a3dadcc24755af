/* GetProduct: everything about one product, on the market or no longer. */
#include "query-svc/catalog/catalog_views.h"
#include "query-svc/catalog/refusals.h"

struct get_product_input {
    struct text product_id;
};

static const struct field get_product_fields[] = {
    {FIELD_AT(get_product_input, product_id), .kind = FIELD_TEXT, .format = TEXT_UUID,
     .in_path = true},
};
static const struct record get_product_input_record = {
    .name = "GetProduct",
    .size = sizeof(struct get_product_input),
    .fields = get_product_fields,
    .field_count = COUNT_OF(get_product_fields),
};

struct product_row {
    struct text id;
    struct text seller_id;
    struct text title;
    struct text description;
    int64_t price;
    int64_t on_hand;
    int64_t reserved;
    int64_t available;
    bool made_to_order;
    int status;
    int64_t version;
};

static const char *const statuses[] = {"active", "delisted", NULL};
static const struct field product_row_fields[] = {
    {FIELD_AT(product_row, id), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(product_row, seller_id), .kind = FIELD_TEXT},
    {FIELD_AT(product_row, title), .kind = FIELD_TEXT},
    {FIELD_AT(product_row, description), .kind = FIELD_TEXT, .optional = true},
    {FIELD_AT(product_row, price), .kind = FIELD_INTEGER},
    {FIELD_AT(product_row, on_hand), .kind = FIELD_INTEGER},
    {FIELD_AT(product_row, reserved), .kind = FIELD_INTEGER},
    {FIELD_AT(product_row, available), .kind = FIELD_INTEGER},
    {FIELD_AT(product_row, made_to_order), .kind = FIELD_BOOLEAN},
    {FIELD_AT(product_row, status), .kind = FIELD_CHOICE, .symbols = statuses},
    {FIELD_AT(product_row, version), .kind = FIELD_INTEGER},
};
static const struct record product_row_record = {
    .name = "Product",
    .size = sizeof(struct product_row),
    .fields = product_row_fields,
    .field_count = COUNT_OF(product_row_fields),
};

static const enum db_type product_by_id_parameters[] = {DB_UUID};
static const struct db_statement product_by_id = {
    .name = "product_by_id",
    .sql = "SELECT product_id, seller_id, title, description, price, on_hand, reserved,"
           " CASE WHEN made_to_order THEN 0 ELSE on_hand - reserved END AS available,"
           " made_to_order, status, version"
           " FROM product_detail WHERE product_id = $1",
    .parameters = product_by_id_parameters,
    .parameter_count = COUNT_OF(product_by_id_parameters),
    .row = &product_row_record,
};
static const struct db_statement *const get_product_statements[] = {&product_by_id, NULL};

static const struct db_statement *get_product_bind(const void *input, struct arena *arena,
                                                   struct db_value *values)
{
    const struct get_product_input *wanted = input;

    (void)arena;
    values[0] = db_text(wanted->product_id);
    return &product_by_id;
}

extern const struct question get_product;
const struct question get_product = {
    .path = "/v1/products/{product_id}",
    .live_path = "/v1/products/{product_id}/stream",
    .view = &product_detail_view,
    .input = &get_product_input_record,
    .key = "product_id",
    .statements = get_product_statements,
    .bind = get_product_bind,
    .missing = &problem_product_not_found,
    .version = "version",
};
