-- A point read of a random product.
dofile(os.getenv("BENCH_FOLDER") .. "/load.lua")

local requests = {}

function init()
  for i, id in ipairs(read_ids()) do
    requests[i] = start_of("GET", "/v1/products/" .. id) .. "\r\n"
  end
end

function request()
  return requests[math.random(#requests)]
end
