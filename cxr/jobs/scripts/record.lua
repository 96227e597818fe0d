-- Write the answers of a whole chunk, each once per image whoever delivers it, and finish the chunk.
-- KEYS: job, results, waiting chunks of the job's queue, held chunks, chunk's lease, chunk attempts of the job,
--       expiring jobs, load of all, load of the owner, blob needs, set-aside images, chunks that wait after they were
--       hinted again, since when work is in hand
-- ARGV: job id, chunk, token, retention (ms), prefix of reusable answers,
--       '1' when the new answers set their images aside or '',
--       prefixes of the counts of each stretch of time: answers, and milliseconds in which work was in hand; how long a
--       stretch is, and how long its counts are kept (s),
--       then per answer four values: index, result JSON, sha256 or '', model or ''
-- Returns how many answers were new; 0 also when the job is gone or final.
local job, results, waiting, held, lease, attempts, expiring = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local load, owners_load, needs, aside, recovered, working = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13]
local id, chunk, token, retention, reusable = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local sets_aside, kept = ARGV[6] == '1', ARGV[10]
local state = redis.call('HGET', job, 'state')
local open = state == 'queued' or state == 'running'
if open then redis.call('HINCRBY', job, 'answered', 0) end -- a Redis without memory refuses this, and so all that follows
if redis.call('GET', lease) == token then redis.call('DEL', lease) end
redis.call('ZREM', waiting, chunk)
redis.call('ZREM', recovered, chunk)
local was_held = redis.call('ZREM', held, chunk) == 1
if not open then return 0 end
redis.call('HDEL', attempts, chunk, 'excused:' .. chunk, 'put_off:' .. chunk)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local new = 0
for i = 11, #ARGV, 4 do
  if redis.call('HSETNX', results, ARGV[i], ARGV[i + 1]) == 1 then
    new = new + 1
    if sets_aside then redis.call('SADD', aside, id .. '/' .. ARGV[i]) end
    if ARGV[i + 3] ~= '' and redis.call('HEXISTS', needs, ARGV[i + 2]) == 1 then
      redis.call('HSET', reusable .. ARGV[i + 2], ARGV[i + 3], id .. '/' .. ARGV[i])
    end
  end
end
if new > 0 then
  redis.call('HINCRBY', load, 'images', 0 - new)
  redis.call('HINCRBY', owners_load, 'images', 0 - new)
  local stretch = math.floor(time[1] / ARGV[9])
  local drained, worked = ARGV[7] .. stretch, ARGV[8] .. stretch
  redis.call('INCRBY', drained, new)
  redis.call('EXPIRE', drained, kept)
  local since = redis.call('GET', working)
  if since and was_held then
    redis.call('INCRBY', worked, math.max(1, now - since))
    redis.call('EXPIRE', worked, kept)
    redis.call('SET', working, now)
  end
end
local answered = redis.call('HINCRBY', job, 'answered', new)
if answered == tonumber(redis.call('HGET', job, 'total')) then
  redis.call('HINCRBY', load, 'bytes', 0 - tonumber(redis.call('HGET', job, 'bytes') or 0))
  redis.call('HSET', job, 'state', 'done', 'finished_at', now)
  redis.call('ZADD', expiring, now + retention, id)
end
return new
