-- Posts the file BODY with the headers HEADERS ("Name: value|Name: value"); prints one JSON object at the end.
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
file:close()
for header in string.gmatch(os.getenv("HEADERS") or "", "[^|]+") do
  local name, value = string.match(header, "^([^:]+): *(.*)$")
  wrk.headers[name] = value
end

function done(summary, latency, requests)
  local errors = summary.errors
  local bad = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('{"seconds":%f,"requests":%d,"bad":%d,"p50":%d,"p99":%d}\n', summary.duration / 1e6,
    summary.requests, bad, latency:percentile(50), latency:percentile(99)))
end
