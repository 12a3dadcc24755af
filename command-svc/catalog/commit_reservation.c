/* CommitReservation: held units leave the stock for good. */
#include "command-svc/catalog/product.h"
#include "command-svc/catalog/reservation_input.h"

static void commit_reservation_decide(const void *root, const void *part, const void *input,
                                      struct decision *decision)
{
    const struct reservation *reservation = part;
    const struct reservation_input *wanted = input;
    (void)root;

    if (reservation == NULL)
        refuse(decision, &reservation_not_found);
    else if (reservation->status == RESERVATION_RELEASED)
        refuse(decision, &reservation_closed);
    else if (reservation->status == RESERVATION_OPEN)
        emit(decision, &reservation_committed_record,
             &(struct reservation_committed){
                 .reservation_id = wanted->reservation_id,
                 .quantity = reservation->quantity,
             });
}

const struct command commit_reservation = {
    .name = "CommitReservation",
    .method = "POST",
    .path = "/v1/products/{product_id}/reservations/{reservation_id}/commitment",
    .aggregate = &product_aggregate,
    .roles = ROLE_SELLER | ROLE_ADMIN | ROLE_SERVICE,
    .owner = "seller_id",
    .owner_exempt = ROLE_ADMIN | ROLE_SERVICE,
    .part = "reservation_id",
    .input = &reservation_input_record,
    .decide = commit_reservation_decide,
};
