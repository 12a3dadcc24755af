/* Catalog's questions. */
#include "query-svc/question.h"

extern const struct question get_product;
extern const struct question list_products;

extern const struct question *const catalog_queries[];
const struct question *const catalog_queries[] = {
    &get_product,
    &list_products,
    NULL,
};
