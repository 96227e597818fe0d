-- Write the answers of a whole chunk, each once per image whoever delivers it, and finish the chunk.
-- KEYS: job, results, waiting chunks of the job's queue, held chunks, chunk's lease, chunk attempts of the job,
--       expiring jobs
-- ARGV: job id, chunk, token, retention (ms), then per answer: index, result JSON
-- Returns how many answers were new; 0 also when the job is gone or final.
local job, results, waiting, held, lease, attempts, expiring = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local id, chunk, token, retention = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if redis.call('GET', lease) == token then redis.call('DEL', lease) end
redis.call('ZREM', waiting, chunk)
redis.call('ZREM', held, chunk)
local state = redis.call('HGET', job, 'state')
if state ~= 'queued' and state ~= 'running' then return 0 end
redis.call('HDEL', attempts, chunk)
local new = 0
for i = 5, #ARGV, 2 do new = new + redis.call('HSETNX', results, ARGV[i], ARGV[i + 1]) end
local answered = redis.call('HINCRBY', job, 'answered', new)
if answered == tonumber(redis.call('HGET', job, 'total')) then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', job, 'state', 'done', 'finished_at', now)
  redis.call('ZADD', expiring, now + retention, id)
end
return new
