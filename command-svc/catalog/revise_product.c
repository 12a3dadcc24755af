/* ReviseProduct: the seller rewrites title or description. */
#include "command-svc/catalog/product.h"

struct revise_product_input {
    struct text title;
    struct text description;
};

static const struct field revise_product_fields[] = {
    {FIELD_AT(revise_product_input, title), .kind = FIELD_TEXT, .optional = true, .min = 1,
     .max = PRODUCT_TITLE_MAX},
    {FIELD_AT(revise_product_input, description), .kind = FIELD_TEXT, .optional = true,
     .max = PRODUCT_DETAIL_MAX},
};

static const struct record revise_product_input_record = {
    .name = "ReviseProductInput",
    .size = sizeof(struct revise_product_input),
    .fields = revise_product_fields,
    .field_count = COUNT_OF(revise_product_fields),
};

static void revise_product_decide(const void *root, const void *part, const void *input,
                                  struct decision *decision)
{
    const struct product *product = root;
    const struct revise_product_input *wanted = input;
    (void)part;

    if (product->status != PRODUCT_ACTIVE)
        refuse(decision, &product_not_for_sale);
    else if (wanted->title.bytes != NULL || wanted->description.bytes != NULL)
        emit(decision, &product_revised_record,
             &(struct product_revised){
                 .title = wanted->title,
                 .description = wanted->description,
             });
}

const struct command revise_product = {
    .name = "ReviseProduct",
    .method = "PATCH",
    .path = "/v1/products/{product_id}",
    .aggregate = &product_aggregate,
    .roles = ROLE_SELLER | ROLE_ADMIN,
    .owner = "seller_id",
    .owner_exempt = ROLE_ADMIN,
    .input = &revise_product_input_record,
    .decide = revise_product_decide,
};
