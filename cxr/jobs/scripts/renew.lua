-- Lengthen a lease that is still ours. Returns 1, or 0 when it was lost.
-- KEYS: held chunks, chunk's lease, chunk attempts of the job
-- ARGV: chunk, token, lease (ms), '1' when the chunk is not to blame should its worker stop now or ''
local held, lease, attempts = KEYS[1], KEYS[2], KEYS[3]
local chunk, token, lease_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('GET', lease) ~= token then return 0 end
redis.call('PEXPIRE', lease, lease_ms)
local time = redis.call('TIME')
redis.call('ZADD', held, 'XX', time[1] * 1000 + math.floor(time[2] / 1000) + lease_ms, chunk)
if ARGV[4] ~= '1' then
  redis.call('HDEL', attempts, 'excused:' .. chunk)
elseif redis.call('HEXISTS', attempts, chunk) == 1 then
  redis.call('HSET', attempts, 'excused:' .. chunk, 1)
end
return 1
