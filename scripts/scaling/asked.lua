-- Asks for the targets of a file, one after another; each thread begins at a place of its own.
-- Arguments: the file; "first" to begin at its first line.
local targets, at, threads = {}, 0, 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end
function init(args)
  for line in io.lines(args[1]) do targets[#targets + 1] = line end
  if args[2] ~= "first" then at = (number * 7919 + tonumber(args[2] or 0)) % #targets end
end
function request()
  at = at % #targets + 1
  return wrk.format("GET", targets[at])
end
function done(summary, latency)
  local bad = summary.errors
  io.write(string.format("FIGURES %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), bad.connect + bad.read + bad.write + bad.status + bad.timeout))
end
