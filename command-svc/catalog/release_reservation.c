/* ReleaseReservation: held units are free again. Releasing what never was leaves a tombstone, so
 * that a reservation arriving later is refused. */
#include "command-svc/catalog/product.h"
#include "command-svc/catalog/reservation_input.h"

static void release_reservation_decide(const void *root, const void *part, const void *input,
                                       struct decision *decision)
{
    const struct reservation *reservation = part;
    const struct reservation_input *wanted = input;
    (void)root;

    if (reservation != NULL && reservation->status == RESERVATION_COMMITTED)
        refuse(decision, &reservation_closed);
    else if (reservation == NULL || reservation->status == RESERVATION_OPEN)
        emit(decision, &reservation_released_record,
             &(struct reservation_released){
                 .reservation_id = wanted->reservation_id,
                 .quantity = reservation == NULL ? 0 : reservation->quantity,
             });
}

const struct command release_reservation = {
    .name = "ReleaseReservation",
    .method = "DELETE",
    .path = "/v1/products/{product_id}/reservations/{reservation_id}",
    .aggregate = &product_aggregate,
    .roles = ROLE_SELLER | ROLE_ADMIN | ROLE_SERVICE,
    .owner = "seller_id",
    .owner_exempt = ROLE_ADMIN | ROLE_SERVICE,
    .part = "reservation_id",
    .input = &reservation_input_record,
    .decide = release_reservation_decide,
};
