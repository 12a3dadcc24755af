-- ReserveStock on one product: every request contends for the same aggregate.
dofile(os.getenv("BENCH_FOLDER") .. "/load.lua")

local start

function init()
  start = start_of("POST", "/v1/products/" .. os.getenv("BENCH_ID") .. "/reservations")
end

function request()
  local key = next_key()
  return start .. rest_of(key, '{"reservation_id":"' .. key .. '","quantity":1}')
end
