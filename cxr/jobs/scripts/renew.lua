-- Lengthen a lease that is still ours. Returns 1, or 0 when it was lost.
-- KEYS: held chunks, chunk's lease
-- ARGV: chunk, token, lease (ms)
local held, lease = KEYS[1], KEYS[2]
local chunk, token, lease_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('GET', lease) ~= token then return 0 end
redis.call('PEXPIRE', lease, lease_ms)
local time = redis.call('TIME')
redis.call('ZADD', held, 'XX', time[1] * 1000 + math.floor(time[2] / 1000) + lease_ms, chunk)
return 1
