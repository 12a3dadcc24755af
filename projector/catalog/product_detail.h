/* One product with everything its page shows. */
#pragma once

#include "projector/view.h"

struct product_detail_row {
    struct text product_id;
    struct text seller_id;
    struct text title;
    struct text description; /* may be absent */
    int64_t price;
    bool made_to_order;
    int status; /* enum product_row_status */
    int64_t on_hand;
    int64_t reserved;
    int64_t version;
};

extern const struct view product_detail_view;
