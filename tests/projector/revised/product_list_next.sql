-- What the migration of a release with a second revision of product_list says.
CREATE SCHEMA view_product_list_r2;

CREATE TABLE view_product_list_r2.product_list (
    product_id    uuid    PRIMARY KEY,
    seller_id     text    NOT NULL,
    title         text    NOT NULL,
    sold          bigint  NOT NULL,
    price         bigint  NOT NULL,
    made_to_order boolean NOT NULL,
    status        text    NOT NULL CHECK (status IN ('active', 'delisted')),
    available     bigint  NOT NULL,
    version       bigint  NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX product_list_best ON view_product_list_r2.product_list (sold DESC, product_id);

SELECT projector.add_revision(
    'product_list',
    2,
    'product_id uuid, seller_id text, title text, sold bigint, price bigint, '
    'made_to_order boolean, status text, available bigint, version bigint',
    'sijang.catalog.ProductListed, sijang.catalog.ProductRevised, sijang.catalog.PriceChanged, '
    'sijang.catalog.StockAdjusted, sijang.catalog.StockReserved, '
    'sijang.catalog.ReservationCommitted, sijang.catalog.ReservationReleased, '
    'sijang.catalog.ProductDelisted',
    'catalog'
);
