-- Close a job's reception: from here on it is accepted, and every chunk waits for a worker.
-- KEYS: job, waiting chunks of its queue, hint numbers of its queue, expiring jobs
-- ARGV: job id, chunk size, retention of a job with nothing to do (ms), the call's own token
-- Returns the chunks as a flat list first, last, first, last, ...; false when the job is not being received. Sent twice
-- (the reply was lost) it returns the same again.
local job, waiting, hints, expiring = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, size, retention, token = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local fields = redis.call('HMGET', job, 'state', 'total', 'answered', 'submit_token')
local again = fields[4] == token
if fields[1] ~= 'receiving' and not again then return false end
local total = tonumber(fields[2])
if not again then
  redis.call('HSET', job, 'submit_token', token)
  if tonumber(fields[3]) == total then
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('HSET', job, 'state', 'done', 'finished_at', now)
    redis.call('ZADD', expiring, now + retention, id)
    return {}
  end
  redis.call('HSET', job, 'state', 'queued', 'chunk_size', size)
  redis.call('ZREM', expiring, id)
end
local chunks = {}
if again and redis.call('HEXISTS', job, 'chunk_size') == 0 then return chunks end
for first = 0, total - 1, size do
  local last = math.min(first + size, total) - 1
  if not again then
    redis.call('ZADD', waiting, redis.call('HINCRBY', hints, 'last', 1), id .. '/' .. first .. '/' .. last)
  end
  chunks[#chunks + 1] = first
  chunks[#chunks + 1] = last
end
return chunks
