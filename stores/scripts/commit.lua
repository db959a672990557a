-- Store what a flight brought, unless something newer or a purge came between, and wake who waits.
-- KEYS value lease done memo tombstone
-- ARGV token or '', fence or '', frame or '', value_ms, memo or '', memo_ms, word, done_ms
local is_holder = ARGV[1] ~= '' and redis.call('GET', KEYS[2]) == ARGV[1]
-- First, for it is allowed even where memory is out; so is what comes after it.
if is_holder then redis.call('DEL', KEYS[2]) end
local version = redis.call('GETRANGE', KEYS[1], 0, 15)
local purged = redis.call('GET', KEYS[5]) or ''
local is_latest = version <= ARGV[2] and purged < ARGV[2]
if is_latest and ARGV[3] ~= '' then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  redis.call('DEL', KEYS[4])
elseif is_latest and ARGV[5] ~= '' then
  redis.call('SET', KEYS[4], ARGV[5], 'PX', ARGV[6])
end
if ARGV[1] ~= '' then
  redis.call('XADD', KEYS[3], 'MAXLEN', 1, '*', 'word', ARGV[7])
  redis.call('PEXPIRE', KEYS[3], ARGV[8])
end
return is_latest and 1 or 0
