-- The right to fetch a key, or why not.
-- KEYS value lease memo; ARGV token, lease_ms, seen_fence, memo_from (1: retry, 18: refuse), patience_ms
local version = redis.call('GETRANGE', KEYS[1], 0, 15)
if version > ARGV[3] then return {'newer', redis.call('GET', KEYS[1])} end
local time = redis.call('TIME')
local fence = string.format('%010d%06d', time[1], time[2])
local memo = redis.call('GET', KEYS[3])
if memo and string.sub(memo, ARGV[4], ARGV[4] + 15) > fence then return {'refused', memo} end
local holder = redis.call('GET', KEYS[2])
if holder then
  -- A living leader renews its lease; one that is silent for too long is taken for dead.
  local silent = ARGV[2] - redis.call('PTTL', KEYS[2])
  if silent < tonumber(ARGV[5]) then return {'taken', holder, silent} end
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {'granted', fence}
