-- What readers are told about views: how much is parked, and how old what is known of the log's end
-- is. A view may have several revisions: questions are answered from the live one.

ALTER TABLE projector.fingerprint ADD COLUMN live boolean NOT NULL DEFAULT true;

CREATE OR REPLACE VIEW public.product_detail_position AS
    SELECT partition, context, log, next_offset, last_offset, term, seq, time_us, generation,
           end_offset, updated_at, parked,
           (extract(epoch FROM clock_timestamp() - updated_at) * 1000)::bigint AS age_ms
    FROM projector.position WHERE view = 'product_detail' AND revision = 1;
CREATE OR REPLACE VIEW public.product_list_position AS
    SELECT partition, context, log, next_offset, last_offset, term, seq, time_us, generation,
           end_offset, updated_at, parked,
           (extract(epoch FROM clock_timestamp() - updated_at) * 1000)::bigint AS age_ms
    FROM projector.position WHERE view = 'product_list' AND revision = 1;
