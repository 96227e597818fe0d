-- Close a job's reception: from here on it is accepted, and every chunk waits for a worker.
-- KEYS: job, waiting chunks of its queue, hint numbers of its queue, expiring jobs
-- ARGV: job id, chunk size, retention of a job with nothing to do (ms)
-- Returns the chunks as a flat list first, last, first, last, ...; false when the job is not being received.
local job, waiting, hints, expiring = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, size, retention = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if redis.call('HGET', job, 'state') ~= 'receiving' then return false end
local total = tonumber(redis.call('HGET', job, 'total'))
if tonumber(redis.call('HGET', job, 'answered')) == total then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', job, 'state', 'done', 'finished_at', now)
  redis.call('ZADD', expiring, now + retention, id)
  return {}
end
redis.call('HSET', job, 'state', 'queued', 'chunk_size', size)
redis.call('ZREM', expiring, id)
local chunks = {}
for first = 0, total - 1, size do
  local last = math.min(first + size, total) - 1
  redis.call('ZADD', waiting, redis.call('HINCRBY', hints, 'last', 1), id .. '/' .. first .. '/' .. last)
  chunks[#chunks + 1] = first
  chunks[#chunks + 1] = last
end
return chunks
