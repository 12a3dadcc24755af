/* AdjustStock: units came in, or were counted, broken, lost. */
#include "command-svc/catalog/product.h"

struct adjust_stock_input {
    int64_t delta;
    struct text reason;
};

static const struct field adjust_stock_fields[] = {
    {FIELD_AT(adjust_stock_input, delta), .kind = FIELD_INTEGER, .min = -PRODUCT_STOCK_MAX,
     .max = PRODUCT_STOCK_MAX},
    {FIELD_AT(adjust_stock_input, reason), .kind = FIELD_TEXT, .min = 1, .max = PRODUCT_REASON_MAX},
};

static const struct record adjust_stock_input_record = {
    .name = "AdjustStockInput",
    .size = sizeof(struct adjust_stock_input),
    .fields = adjust_stock_fields,
    .field_count = COUNT_OF(adjust_stock_fields),
};

static void adjust_stock_decide(const void *root, const void *part, const void *input,
                                struct decision *decision)
{
    const struct product *product = root;
    const struct adjust_stock_input *wanted = input;
    (void)part;

    if (product->status != PRODUCT_ACTIVE)
        refuse(decision, &product_not_for_sale);
    else if (product->made_to_order)
        refuse(decision, &stock_not_kept);
    else if (product_available(product) + wanted->delta < 0)
        refuse(decision, &stock_short);
    else if (product->on_hand + wanted->delta > PRODUCT_STOCK_MAX)
        refuse(decision, &stock_too_large);
    else if (wanted->delta != 0)
        emit(decision, &stock_adjusted_record,
             &(struct stock_adjusted){.delta = wanted->delta, .reason = wanted->reason});
}

const struct command adjust_stock = {
    .name = "AdjustStock",
    .method = "POST",
    .path = "/v1/products/{product_id}/stock-adjustments",
    .aggregate = &product_aggregate,
    .roles = ROLE_SELLER | ROLE_ADMIN,
    .owner = "seller_id",
    .owner_exempt = ROLE_ADMIN,
    .input = &adjust_stock_input_record,
    .decide = adjust_stock_decide,
};
