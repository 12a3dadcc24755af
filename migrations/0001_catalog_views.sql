-- The catalog's views, first revision each: a schema per revision holds rows, positions and the
-- fingerprint of the code that writes them; views in public keep the names that readers use.

CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;

CREATE SCHEMA view_product_detail_r1;

-- Room in each page lets updates stay in it and touch no index.
CREATE TABLE view_product_detail_r1.product_detail (
    product_id    uuid    PRIMARY KEY,
    seller_id     text    NOT NULL,
    title         text    NOT NULL,
    description   text,
    price         bigint  NOT NULL,
    made_to_order boolean NOT NULL,
    status        text    NOT NULL CHECK (status IN ('active', 'delisted')),
    on_hand       bigint  NOT NULL,
    reserved      bigint  NOT NULL,
    version       bigint  NOT NULL
) WITH (fillfactor = 80);

-- The defaults say "nothing read yet". end_offset is the log's end as last heard, -1 if never.
CREATE TABLE view_product_detail_r1.position (
    partition   integer     NOT NULL,
    context     text        NOT NULL,
    log         uuid,
    next_offset bigint      NOT NULL DEFAULT 0,
    last_offset bigint      NOT NULL DEFAULT -1,
    term        bigint      NOT NULL DEFAULT -1,
    seq         bigint      NOT NULL DEFAULT 0,
    time_us     bigint      NOT NULL DEFAULT 0,
    generation  bigint      NOT NULL DEFAULT 0,
    end_offset  bigint      NOT NULL DEFAULT -1,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, context)
) WITH (fillfactor = 20);

CREATE TABLE view_product_detail_r1.fingerprint (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    view     text    NOT NULL,
    revision integer NOT NULL,
    columns  text    NOT NULL,
    events   text    NOT NULL,
    contexts text    NOT NULL
);

INSERT INTO view_product_detail_r1.fingerprint (view, revision, columns, events, contexts)
VALUES (
    'product_detail',
    1,
    'product_id uuid, seller_id text, title text, description text, price bigint, '
    'made_to_order boolean, status text, on_hand bigint, reserved bigint, version bigint',
    'sijang.catalog.ProductListed, sijang.catalog.ProductRevised, sijang.catalog.PriceChanged, '
    'sijang.catalog.StockAdjusted, sijang.catalog.StockReserved, '
    'sijang.catalog.ReservationCommitted, sijang.catalog.ReservationReleased, '
    'sijang.catalog.ProductDelisted',
    'catalog'
);

CREATE VIEW public.product_detail AS
    SELECT product_id, seller_id, title, description, price, made_to_order, status, on_hand,
           reserved, version
    FROM view_product_detail_r1.product_detail;

CREATE VIEW public.product_detail_position AS
    SELECT partition, context, log, next_offset, last_offset, term, seq, time_us, generation,
           end_offset, updated_at
    FROM view_product_detail_r1.position;

CREATE SCHEMA view_product_list_r1;

CREATE TABLE view_product_list_r1.product_list (
    product_id    uuid    PRIMARY KEY, -- time-ordered: newest first is this index read backwards
    seller_id     text    NOT NULL,
    title         text    NOT NULL,
    price         bigint  NOT NULL,
    made_to_order boolean NOT NULL,
    status        text    NOT NULL CHECK (status IN ('active', 'delisted')),
    available     bigint  NOT NULL, -- 0 when made to order
    version       bigint  NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX product_list_newest ON view_product_list_r1.product_list (product_id DESC)
    WHERE status = 'active';
CREATE INDEX product_list_seller ON view_product_list_r1.product_list
    (seller_id, product_id DESC);
CREATE INDEX product_list_term ON view_product_list_r1.product_list
    USING gin (title public.gin_trgm_ops);

CREATE TABLE view_product_list_r1.position (
    partition   integer     NOT NULL,
    context     text        NOT NULL,
    log         uuid,
    next_offset bigint      NOT NULL DEFAULT 0,
    last_offset bigint      NOT NULL DEFAULT -1,
    term        bigint      NOT NULL DEFAULT -1,
    seq         bigint      NOT NULL DEFAULT 0,
    time_us     bigint      NOT NULL DEFAULT 0,
    generation  bigint      NOT NULL DEFAULT 0,
    end_offset  bigint      NOT NULL DEFAULT -1,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, context)
) WITH (fillfactor = 20);

CREATE TABLE view_product_list_r1.fingerprint (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    view     text    NOT NULL,
    revision integer NOT NULL,
    columns  text    NOT NULL,
    events   text    NOT NULL,
    contexts text    NOT NULL
);

INSERT INTO view_product_list_r1.fingerprint (view, revision, columns, events, contexts)
VALUES (
    'product_list',
    1,
    'product_id uuid, seller_id text, title text, price bigint, made_to_order boolean, '
    'status text, available bigint, version bigint',
    'sijang.catalog.ProductListed, sijang.catalog.ProductRevised, sijang.catalog.PriceChanged, '
    'sijang.catalog.StockAdjusted, sijang.catalog.StockReserved, '
    'sijang.catalog.ReservationCommitted, sijang.catalog.ReservationReleased, '
    'sijang.catalog.ProductDelisted',
    'catalog'
);

CREATE VIEW public.product_list AS
    SELECT product_id, seller_id, title, price, made_to_order, status, available, version
    FROM view_product_list_r1.product_list;

CREATE VIEW public.product_list_position AS
    SELECT partition, context, log, next_offset, last_offset, term, seq, time_us, generation,
           end_offset, updated_at
    FROM view_product_list_r1.position;
