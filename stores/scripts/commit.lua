-- Store what a flight brought, unless something newer or a purge came between, and wake who waits.
-- KEYS value lease done memo tombstone
-- ARGV token or '', frame or '', value_ms, word, done_ms, memo or '', memo_ms
local is_holder = ARGV[1] ~= '' and redis.call('GET', KEYS[2]) == ARGV[1]
-- First, for it is allowed even where memory is out and the rest will fail.
if is_holder then redis.call('DEL', KEYS[2]) end
local stored = 0
if ARGV[2] ~= '' then
  local mine = string.sub(ARGV[2], 1, 16)
  local version = redis.call('GETRANGE', KEYS[1], 0, 15)
  local purged = redis.call('GET', KEYS[5])
  if version <= mine and (not purged or purged < mine) then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    redis.call('DEL', KEYS[4])
    stored = 1
  end
elseif ARGV[6] ~= '' then
  redis.call('SET', KEYS[4], ARGV[6], 'PX', ARGV[7])
end
if ARGV[1] ~= '' then
  redis.call('XADD', KEYS[3], 'MAXLEN', 1, '*', 'word', ARGV[4])
  redis.call('PEXPIRE', KEYS[3], ARGV[5])
end
return stored
