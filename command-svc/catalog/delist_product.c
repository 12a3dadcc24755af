/* DelistProduct: the product leaves the market; what is reserved can still be committed or
 * released. */
#include "command-svc/catalog/product.h"

static const struct record delist_product_input_record = {.name = "DelistProductInput"};

static void delist_product_decide(const void *root, const void *part, const void *input,
                                  struct decision *decision)
{
    const struct product *product = root;
    (void)part, (void)input;

    if (product->status == PRODUCT_ACTIVE)
        emit(decision, &product_delisted_record, &(struct product_delisted){0});
}

const struct command delist_product = {
    .name = "DelistProduct",
    .method = "DELETE",
    .path = "/v1/products/{product_id}",
    .aggregate = &product_aggregate,
    .roles = ROLE_SELLER | ROLE_ADMIN,
    .owner = "seller_id",
    .owner_exempt = ROLE_ADMIN,
    .input = &delist_product_input_record,
    .decide = delist_product_decide,
};
