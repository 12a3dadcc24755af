/* ListProducts: what is on the market, newest first. */
#include "query-svc/catalog/catalog_views.h"
#include "query-svc/page.h"

struct list_products_input {
    struct page page;
    struct text term;
    struct text seller;
    struct optional_boolean available;
};

static const struct field list_products_fields[] = {
    PAGE_FIELDS,
    {FIELD_AT(list_products_input, term), .kind = FIELD_TEXT, .optional = true, .in_path = true,
     .max = 64},
    {FIELD_AT(list_products_input, seller), .kind = FIELD_TEXT, .optional = true, .in_path = true,
     .format = TEXT_NAME, .min = 1, .max = 64},
    {FIELD_AT(list_products_input, available), .kind = FIELD_BOOLEAN, .optional = true,
     .in_path = true},
};
static const struct record list_products_input_record = {
    .name = "ListProducts",
    .size = sizeof(struct list_products_input),
    .fields = list_products_fields,
    .field_count = COUNT_OF(list_products_fields),
};

struct listed_product {
    struct text id;
    struct text seller_id;
    struct text title;
    int64_t price;
    int64_t available;
    bool made_to_order;
    int status;
    int64_t version;
};

static const char *const statuses[] = {"active", NULL};
static const struct field listed_product_fields[] = {
    {FIELD_AT(listed_product, id), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(listed_product, seller_id), .kind = FIELD_TEXT},
    {FIELD_AT(listed_product, title), .kind = FIELD_TEXT},
    {FIELD_AT(listed_product, price), .kind = FIELD_INTEGER},
    {FIELD_AT(listed_product, available), .kind = FIELD_INTEGER},
    {FIELD_AT(listed_product, made_to_order), .kind = FIELD_BOOLEAN},
    {FIELD_AT(listed_product, status), .kind = FIELD_CHOICE, .symbols = statuses},
    {FIELD_AT(listed_product, version), .kind = FIELD_INTEGER},
};
static const struct record listed_product_record = {
    .name = "ListedProduct",
    .size = sizeof(struct listed_product),
    .fields = listed_product_fields,
    .field_count = COUNT_OF(listed_product_fields),
};

/* The first page begins after the greatest id there can be: the same statement walks the index from
 * wherever the last page ended. */
#define PAGE_OF_PRODUCTS                                                                           \
    "SELECT product_id, seller_id, title, price, available, made_to_order, status, version"        \
    " FROM product_list WHERE status = 'active'"                                                   \
    " AND product_id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)"           \
    " AND (NOT $2::boolean OR made_to_order OR available > 0)"
#define NEWEST_FIRST " ORDER BY product_id DESC LIMIT $3::bigint"

static const enum db_type parameters[] = {DB_UUID, DB_BOOLEAN, DB_BIGINT, DB_TEXT, DB_TEXT};

static const struct db_statement newest_products = {
    .name = "newest_products",
    .sql = PAGE_OF_PRODUCTS NEWEST_FIRST,
    .parameters = parameters,
    .parameter_count = 3,
    .row = &listed_product_record,
};
static const struct db_statement products_by_term = {
    .name = "products_by_term",
    .sql = PAGE_OF_PRODUCTS " AND title ILIKE $4::text" NEWEST_FIRST,
    .parameters = parameters,
    .parameter_count = 4,
    .row = &listed_product_record,
};
static const struct db_statement products_of_seller = {
    .name = "products_of_seller",
    .sql = PAGE_OF_PRODUCTS
    " AND ($4::text IS NULL OR title ILIKE $4) AND seller_id = $5::text" NEWEST_FIRST,
    .parameters = parameters,
    .parameter_count = 5,
    .row = &listed_product_record,
};
static const struct db_statement *const list_products_statements[] = {
    &newest_products,
    &products_by_term,
    &products_of_seller,
    NULL,
};

/* %term%, its own wildcards escaped. False: the arena is full. */
static bool make_pattern(struct text term, struct arena *arena, struct text *ret_pattern)
{
    char *pattern = arena_alloc(arena, 2 * term.size + 2);
    size_t size = 0;

    if (pattern == NULL)
        return false;
    pattern[size++] = '%';
    for (size_t i = 0; i < term.size; i++) {
        char c = term.bytes[i];
        if (c == '%' || c == '_' || c == '\\')
            pattern[size++] = '\\';
        pattern[size++] = c;
    }
    pattern[size++] = '%';
    *ret_pattern = (struct text){.bytes = pattern, .size = size};
    return true;
}

static const struct db_statement *list_products_bind(const void *input, struct arena *arena,
                                                     struct db_value *values)
{
    const struct list_products_input *wanted = input;
    struct text pattern = {0};

    if (wanted->term.size > 0 && !make_pattern(wanted->term, arena, &pattern))
        return NULL;
    values[0] = db_text(wanted->page.cursor);
    values[1] = db_boolean(wanted->available.present && wanted->available.value);
    values[2] = db_integer(page_rows(&wanted->page));
    values[3] = db_text(pattern);
    values[4] = db_text(wanted->seller);
    if (wanted->seller.bytes != NULL)
        return &products_of_seller;
    return pattern.bytes != NULL ? &products_by_term : &newest_products;
}

extern const struct question list_products;
const struct question list_products = {
    .path = "/v1/products",
    .live_path = "/v1/products/stream",
    .view = &product_list_view,
    .input = &list_products_input_record,
    .statements = list_products_statements,
    .bind = list_products_bind,
};
