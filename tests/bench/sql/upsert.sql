\set first random(1, 1000000000)
BEGIN;
SET LOCAL synchronous_commit = off;
INSERT INTO bench.upserted_detail AS old
SELECT md5(n::text)::uuid, 'bench-seller', 'Barley tea, cold',
       'Roasted this morning, half a litre.', 3000, false, 'active', 100, 0, 2
FROM generate_series(:first::bigint, :first::bigint + 999) AS n
ON CONFLICT (product_id) DO UPDATE SET on_hand = EXCLUDED.on_hand, version = EXCLUDED.version;
INSERT INTO bench.upserted_list AS old
SELECT md5(n::text)::uuid, 'bench-seller', 'Barley tea, cold', 3000, false, 'active', 100, 2
FROM generate_series(:first::bigint, :first::bigint + 999) AS n
ON CONFLICT (product_id) DO UPDATE SET available = EXCLUDED.available, version = EXCLUDED.version;
COMMIT;
