-- Take a chunk for one worker, for the time of a lease.
-- KEYS: job, results, waiting chunks of the job's queue, hint numbers of that queue, held chunks, chunk's lease,
--       chunk attempts of the job, and of the queue for chunks that are hinted again: waiting chunks, hint numbers;
--       since when work is in hand
-- ARGV: chunk, first, last, token, lease (ms)
-- Returns the unanswered indices, or false when there is nothing to do: the chunk is finished, held by another
-- worker, or its job is gone or cancelled. Sent twice (the reply was lost) it returns the same again.
local job, results, waiting, hints, held, lease, attempts = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local chunk, first, last, token, lease_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local waits = false
for _, keys in ipairs({ { waiting, hints }, { KEYS[8], KEYS[9] } }) do
  local number = tonumber(redis.call('ZSCORE', keys[1], chunk) or nil)
  waits = waits or number
  if number and number > tonumber(redis.call('HGET', keys[2], 'claimed') or 0) then
    redis.call('HSET', keys[2], 'claimed', string.format('%.0f', number))
  end
end
local state = redis.call('HGET', job, 'state')
if state ~= 'queued' and state ~= 'running' then
  redis.call('ZREM', waiting, chunk)
  redis.call('ZREM', KEYS[8], chunk)
  redis.call('ZREM', held, chunk)
  return false
end
if not waits and not redis.call('ZSCORE', held, chunk) then return false end
local again = redis.call('GET', lease) == token
if not again and not redis.call('SET', lease, token, 'NX', 'PX', lease_ms) then return false end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('ZCARD', held) == 0 or redis.call('EXISTS', KEYS[10]) == 0 then redis.call('SET', KEYS[10], now) end
redis.call('ZREM', waiting, chunk)
redis.call('ZREM', KEYS[8], chunk)
redis.call('ZADD', held, now + lease_ms, chunk)
if not again then
  redis.call('HINCRBY', attempts, chunk, 1)
  redis.call('HDEL', attempts, 'excused:' .. chunk, 'put_off:' .. chunk)
end
redis.call('HSET', job, 'state', 'running')
local unanswered = {}
for index = first, last do
  if redis.call('HEXISTS', results, index) == 0 then unanswered[#unanswered + 1] = index end
end
return unanswered
