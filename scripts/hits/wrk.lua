-- One line of JSON at the end: what wrk prints for people is rounded.
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'figures {"requests": %d, "micros": %d, "bytes": %d, "p50": %d, "p99": %d, ' ..
    '"errors": {"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
