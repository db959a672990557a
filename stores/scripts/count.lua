-- Count more, if that is within the limit, in a window that slides; with amount 0 only look.
-- KEYS counts; ARGV limit, window_ms, amount
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window, amount = tonumber(ARGV[2]), tonumber(ARGV[3])
local told = redis.pcall('HMGET', KEYS[1], 'began', 'previous', 'current')
if told.err then  -- a foreign shape
  redis.call('DEL', KEYS[1])
  told = {}
end
local began, previous, current = tonumber(told[1]), tonumber(told[2]), tonumber(told[3])
-- A clock that was set back, or far forward and back again, begins anew: one window too many.
if not (began and previous and current) or now < began or now - began >= 2 * window then
  began, previous, current = now, 0, 0
elseif now - began >= window then
  began, previous, current = began + window, current, 0
end
local left = began + window - now
if math.floor(previous * left / window) + current + amount > tonumber(ARGV[1]) then
  return {0, previous, current, left}
end
current = current + amount
if amount > 0 then
  redis.call('HSET', KEYS[1], 'began', began, 'previous', previous, 'current', current)
  redis.call('PEXPIRE', KEYS[1], 2 * window)
end
return {1, previous, current, left}
