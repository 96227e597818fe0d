-- Give a chunk back unanswered (a part was away): it costs no attempt and is tried again after a pause.
-- A chunk that was answered, or whose job ended meanwhile, has no attempts any more, and gets none.
-- KEYS: held chunks, chunk's lease, chunk attempts of the job
-- ARGV: chunk, token, pause (ms)
local held, lease, attempts = KEYS[1], KEYS[2], KEYS[3]
local chunk, token, pause = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('GET', lease) ~= token then return 0 end
if redis.call('HEXISTS', attempts, chunk) == 1 then
  redis.call('HINCRBY', attempts, chunk, -1)
  redis.call('HSET', attempts, 'put_off:' .. chunk, 1)
end
redis.call('HDEL', attempts, 'excused:' .. chunk)
redis.call('DEL', lease)
local time = redis.call('TIME')
redis.call('ZADD', held, 'XX', time[1] * 1000 + math.floor(time[2] / 1000) + pause, chunk)
return 1
