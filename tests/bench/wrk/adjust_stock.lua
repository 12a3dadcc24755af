-- AdjustStock spread over many products.
dofile(os.getenv("BENCH_FOLDER") .. "/load.lua")

local starts = {}

function init()
  for i, id in ipairs(read_ids()) do
    starts[i] = start_of("POST", "/v1/products/" .. id .. "/stock-adjustments")
  end
end

function request()
  return starts[math.random(#starts)] .. rest_of(next_key(), '{"delta":1,"reason":"counted"}')
end
