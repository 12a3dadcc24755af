-- What the scripts beside share. Requests are put together by hand: wrk.format costs more than
-- sending. BENCH_TOKEN, BENCH_RUN (unique), BENCH_IDS (a file, one id a line), BENCH_ID and
-- BENCH_STOCK come from tools.py.
local threads = 0

function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

local keys = 0

function next_key()
  keys = keys + 1
  return os.getenv("BENCH_RUN") .. "-" .. thread_number .. "-" .. keys
end

function start_of(method, path)
  return method .. " " .. path .. " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer "
    .. os.getenv("BENCH_TOKEN") .. "\r\n"
end

-- The rest of a request with a body, its key last among the headers.
function rest_of(key, body)
  return "Content-Type: application/json\r\nContent-Length: " .. #body
    .. "\r\nIdempotency-Key: " .. key .. "\r\n\r\n" .. body
end

function read_ids()
  local ids = {}
  for line in io.lines(os.getenv("BENCH_IDS")) do
    ids[#ids + 1] = line
  end
  math.randomseed(os.time() + thread_number)
  return ids
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nBENCH {"answered":%d,"seconds":%.6f,"refused":%d,"broken":%d,"timeouts":%d,' ..
    '"p50_us":%d,"p90_us":%d,"p99_us":%d,"p99_9_us":%d,"max_us":%d}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write, errors.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99),
    latency:percentile(99.9), latency.max))
end
