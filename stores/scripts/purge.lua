-- Forget a key; whatever was fetched before this moment is not let in again.
-- KEYS value memo tombstone; ARGV tombstone_ms
local time = redis.call('TIME')
local fence = string.format('%010d%06d', time[1], time[2])
redis.call('SET', KEYS[3], fence, 'PX', ARGV[1])
return {fence, redis.call('DEL', KEYS[1]), redis.call('DEL', KEYS[2])}
