-- Stop a job: no chunk of it is claimed any more; answers it already has stay until its retention ends.
-- The first write removes something, so that Redis lets a job be stopped, on the record, when its memory is full.
-- KEYS: job, chunk attempts, expiring jobs, load of all, load of the owner, record
-- ARGV: job id, retention (ms), then the fields of what goes on the record when the job was stopped; none: nothing does
-- Returns 1 when the job was stopped, 0 when it was final already, false when there is no such job.
local job, attempts, expiring, load, owners_load = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, retention = ARGV[1], tonumber(ARGV[2])
local fields = redis.call('HMGET', job, 'state', 'total', 'answered', 'bytes')
if not fields[1] then return false end
if fields[1] == 'done' or fields[1] == 'cancelled' then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local unanswered = tonumber(fields[2]) - tonumber(fields[3])
redis.call('DEL', attempts)
redis.call('HINCRBY', load, 'images', 0 - unanswered)
redis.call('HINCRBY', load, 'bytes', 0 - tonumber(fields[4] or 0))
redis.call('HINCRBY', owners_load, 'images', 0 - unanswered)
redis.call('HSET', job, 'state', 'cancelled', 'finished_at', now)
redis.call('ZADD', expiring, now + retention, id)
if #ARGV > 2 then redis.call('XADD', KEYS[6], '*', unpack(ARGV, 3)) end
return 1
