-- Tables shaped like the views, with rows of the same width, for the references. Made once a run.
CREATE SCHEMA bench;
CREATE TABLE bench.product_detail (LIKE view_product_detail_r1.product_detail INCLUDING ALL);
CREATE TABLE bench.product_list (LIKE view_product_list_r1.product_list INCLUDING ALL);
INSERT INTO bench.product_detail
SELECT md5(n::text)::uuid, 'bench-seller', 'Barley tea, cold',
       'Roasted this morning, half a litre.', 3000, false, 'active', 100, 0, 2
FROM generate_series(1, 100000) AS n;
VACUUM ANALYZE bench.product_detail;
CREATE TABLE bench.upserted_detail (LIKE view_product_detail_r1.product_detail INCLUDING ALL);
CREATE TABLE bench.upserted_list (LIKE view_product_list_r1.product_list INCLUDING ALL);
