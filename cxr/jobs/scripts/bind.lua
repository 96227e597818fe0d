-- Bind an idempotency key to a job, unless it is bound already to one that still exists.
-- KEYS: the idempotency key
-- ARGV: fingerprint of the content, job id or '' (only look), how long the key is kept (ms), prefix of job keys
-- Returns the id of the job that the key is bound to; '' when it is bound to none; false when that job's content is another.
local key = KEYS[1]
local fingerprint, id, kept, prefix = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local bound = redis.call('HMGET', key, 'fingerprint', 'job_id')
if bound[2] and redis.call('EXISTS', prefix .. bound[2]) == 1 then return bound[1] == fingerprint and bound[2] end
if id ~= '' then
  redis.call('HSET', key, 'fingerprint', fingerprint, 'job_id', id)
  redis.call('PEXPIRE', key, kept)
end
return id
