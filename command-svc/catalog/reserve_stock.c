/* ReserveStock: holds units of a product for a reservation, at the price of this moment. */
#include "command-svc/catalog/product.h"

struct reserve_stock_input {
    struct text reservation_id;
    int64_t quantity;
};

static const struct field reserve_stock_fields[] = {
    {FIELD_AT(reserve_stock_input, reservation_id), .kind = FIELD_TEXT, .format = TEXT_NAME,
     .min = 1, .max = RESERVATION_ID_MAX},
    {FIELD_AT(reserve_stock_input, quantity), .kind = FIELD_INTEGER, .min = 1,
     .max = PRODUCT_STOCK_MAX},
};

static const struct record reserve_stock_input_record = {
    .name = "ReserveStockInput",
    .size = sizeof(struct reserve_stock_input),
    .fields = reserve_stock_fields,
    .field_count = COUNT_OF(reserve_stock_fields),
};

static void reserve_stock_decide(const void *root, const void *part, const void *input,
                                 struct decision *decision)
{
    const struct product *product = root;
    const struct reservation *reservation = part;
    const struct reserve_stock_input *wanted = input;

    if (product->status != PRODUCT_ACTIVE)
        refuse(decision, &product_not_for_sale);
    else if (reservation != NULL)
        refuse(decision, &reservation_closed);
    else if (!product->made_to_order && product_available(product) < wanted->quantity)
        refuse(decision, &stock_short);
    else if (product->reserved + wanted->quantity > PRODUCT_RESERVED_MAX)
        refuse(decision, &stock_too_large);
    else
        emit(decision, &stock_reserved_record,
             &(struct stock_reserved){
                 .reservation_id = wanted->reservation_id,
                 .quantity = wanted->quantity,
                 .unit_price = product->price,
             });
}

const struct command reserve_stock = {
    .name = "ReserveStock",
    .method = "POST",
    .path = "/v1/products/{product_id}/reservations",
    .aggregate = &product_aggregate,
    .effect = COMMAND_CREATES_PART,
    .roles = ROLE_SELLER | ROLE_ADMIN | ROLE_SERVICE,
    .owner = "seller_id",
    .owner_exempt = ROLE_ADMIN | ROLE_SERVICE,
    .part = "reservation_id",
    .input = &reserve_stock_input_record,
    .decide = reserve_stock_decide,
};
