-- The right to fetch a key, or why not.
-- KEYS value lease memo tombstone
-- ARGV token, lease_ms, seen_fence or '', memo_from (1: retry, 18: refuse), patience_ms
local version = redis.call('GETRANGE', KEYS[1], 0, 15)
if version > ARGV[3] then return {'newer', redis.call('GET', KEYS[1])} end
local time = redis.call('TIME')
local now = string.format('%010d%06d', time[1], time[2])
local memo = redis.call('GET', KEYS[3])
if memo and string.sub(memo, ARGV[4], ARGV[4] + 15) > now then return {'refused', memo} end
local holder = redis.call('GET', KEYS[2])
if holder then
  -- A living leader renews its lease; one that is silent for too long is taken for dead.
  local left = redis.call('PTTL', KEYS[2])
  if ARGV[2] - left < tonumber(ARGV[5]) then
    -- Changes nothing, but fails where writing has become forbidden: no leader can say a word there.
    redis.call('PEXPIRE', KEYS[2], left)
    return {'taken', holder}
  end
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
-- Later than all that is known, even where this clock was set back.
local known = math.max(tonumber(ARGV[3]) or 0, tonumber(redis.call('GET', KEYS[4])) or 0)
return {'granted', string.format('%016.0f', math.max(tonumber(now), known + 1))}
