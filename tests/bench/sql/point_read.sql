\set n random(1, 100000)
SELECT product_id, seller_id, title, description, price, made_to_order, status, on_hand,
       reserved, version
FROM bench.product_detail WHERE product_id = md5(:n::text)::uuid;
