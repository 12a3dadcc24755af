/* The list of catalog's views: a new view is one file and a line here. */
#include "projector/catalog/product_detail.h"
#include "projector/catalog/product_list.h"

extern const struct view *const catalog_views[];
const struct view *const catalog_views[] = {
    &product_detail_view,
    &product_list_view,
    NULL,
};
