-- Forget a key; whatever was fetched before this moment is not let in again.
-- KEYS value memo tombstone; ARGV tombstone_ms
local version = tonumber(redis.call('GETRANGE', KEYS[1], 0, 15)) or 0
local purged = tonumber(redis.call('GET', KEYS[3])) or 0
local time = redis.call('TIME')
-- No earlier than what is stored and what is fetched over it, even where this clock was set back.
local now = math.max(time[1] * 1000000 + time[2], version + 1, purged + 1)
local fence = string.format('%016.0f', now)
-- First, for it is allowed even where memory is out; so is what comes after it.
local had_value = redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[3], fence, 'PX', ARGV[1])
return {fence, had_value}
