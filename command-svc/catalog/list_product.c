/* ListProduct: a seller puts a product on the market, with its first stock. */
#include "command-svc/catalog/product.h"

struct list_product_input {
    struct text title;
    struct text description;
    int64_t price;
    int64_t stock;
    struct optional_boolean made_to_order;
};

static const struct field list_product_fields[] = {
    {FIELD_AT(list_product_input, title), .kind = FIELD_TEXT, .min = 1, .max = PRODUCT_TITLE_MAX},
    {FIELD_AT(list_product_input, description), .kind = FIELD_TEXT, .optional = true,
     .max = PRODUCT_DETAIL_MAX},
    {FIELD_AT(list_product_input, price), .kind = FIELD_INTEGER, .min = 1,
     .max = PRODUCT_PRICE_MAX},
    {FIELD_AT(list_product_input, stock), .kind = FIELD_INTEGER, .max = PRODUCT_STOCK_MAX},
    {FIELD_AT(list_product_input, made_to_order), .kind = FIELD_BOOLEAN, .optional = true},
};

static const struct record list_product_input_record = {
    .name = "ListProductInput",
    .size = sizeof(struct list_product_input),
    .fields = list_product_fields,
    .field_count = COUNT_OF(list_product_fields),
};

static void list_product_decide(const void *root, const void *part, const void *input,
                                struct decision *decision)
{
    const struct list_product_input *wanted = input;
    bool made_to_order = wanted->made_to_order.present && wanted->made_to_order.value;
    (void)root, (void)part;

    if (made_to_order && wanted->stock > 0) {
        refuse(decision, &stock_not_kept);
        return;
    }
    emit(decision, &product_listed_record,
         &(struct product_listed){
             .seller_id = decision->caller,
             .title = wanted->title,
             .description = wanted->description,
             .price = wanted->price,
             .made_to_order = made_to_order,
         });
    if (wanted->stock > 0)
        emit(decision, &stock_adjusted_record,
             &(struct stock_adjusted){.delta = wanted->stock, .reason = TEXT("listed")});
}

const struct command list_product = {
    .name = "ListProduct",
    .method = "POST",
    .path = "/v1/products",
    .aggregate = &product_aggregate,
    .effect = COMMAND_CREATES,
    .roles = ROLE_SELLER | ROLE_ADMIN,
    .input = &list_product_input_record,
    .decide = list_product_decide,
};
