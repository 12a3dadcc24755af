/* ChangePrice: units reserved from now on cost something else. */
#include "command-svc/catalog/product.h"

struct change_price_input {
    int64_t price;
};

static const struct field change_price_fields[] = {
    {FIELD_AT(change_price_input, price), .kind = FIELD_INTEGER, .min = 1,
     .max = PRODUCT_PRICE_MAX},
};

static const struct record change_price_input_record = {
    .name = "ChangePriceInput",
    .size = sizeof(struct change_price_input),
    .fields = change_price_fields,
    .field_count = COUNT_OF(change_price_fields),
};

/* A ticket in somebody's hands keeps its price tag. */
static bool only_unit_is_reserved(const struct product *product)
{
    return !product->made_to_order && product->on_hand == 1 && product->reserved == 1;
}

static void change_price_decide(const void *root, const void *part, const void *input,
                                struct decision *decision)
{
    const struct product *product = root;
    const struct change_price_input *wanted = input;
    (void)part;

    if (product->status != PRODUCT_ACTIVE)
        refuse(decision, &product_not_for_sale);
    else if (only_unit_is_reserved(product))
        refuse(decision, &price_frozen);
    else if (wanted->price != product->price)
        emit(decision, &price_changed_record,
             &(struct price_changed){.price = wanted->price, .previous_price = product->price});
}

const struct command change_price = {
    .name = "ChangePrice",
    .method = "PUT",
    .path = "/v1/products/{product_id}/price",
    .aggregate = &product_aggregate,
    .roles = ROLE_SELLER | ROLE_ADMIN,
    .owner = "seller_id",
    .owner_exempt = ROLE_ADMIN,
    .input = &change_price_input_record,
    .decide = change_price_decide,
};
