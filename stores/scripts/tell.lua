-- Tell all instances of a purge; what tells it never stays behind without an end.
-- KEYS purges; ARGV key, fence, most, life_ms
-- First, for it is allowed even where memory is out; so is what comes after it.
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[3])
redis.call('XADD', KEYS[1], '*', 'key', ARGV[1], 'fence', ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[4])
