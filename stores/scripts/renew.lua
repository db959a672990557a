-- Keep a lease alive; one that was lost is taken back, unless another one leads or it has ended.
-- KEYS lease, done if it has an end; ARGV token, lease_ms
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if holder or (KEYS[2] and redis.call('EXISTS', KEYS[2]) == 1) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
