-- ListProduct: each request a new product. Without stock one event, with stock two in one commit.
dofile(os.getenv("BENCH_FOLDER") .. "/load.lua")

local start, body

function init()
  start = start_of("POST", "/v1/products")
  body = '{"title":"Barley tea, cold","description":"Roasted this morning, half a litre.",'
    .. '"price":3000,"stock":' .. os.getenv("BENCH_STOCK") .. "}"
end

function request()
  return start .. rest_of(next_key(), body)
end
