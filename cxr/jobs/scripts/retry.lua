-- Take back the answer of a set-aside image and let it be tried again.
-- KEYS: job, results, waiting chunks and hint numbers of the queue it is hinted again in, expiring jobs, load of all,
--       load of the owner, set-aside images, record
-- ARGV: job id, index, the call's own token, then the fields of what goes on the record; none: nothing does
-- Returns 1, or 0 when the image was not set aside or its job was cancelled. Sent twice (the reply was lost) it does
-- and records nothing the second time, and returns 1 again.
local job, results, waiting, hints, expiring, load, owners_load, aside, record = unpack(KEYS)
local id, index, token = ARGV[1], ARGV[2], ARGV[3]
local state = redis.call('HGET', job, 'state')
if state and redis.call('HGET', job, 'retry_token') == token then return 1 end
if not state or state == 'cancelled' then return 0 end
if redis.call('SISMEMBER', aside, id .. '/' .. index) == 0 then return 0 end
if redis.call('HEXISTS', results, index) == 0 then return 0 end
redis.call('HINCRBY', job, 'answered', -1)
redis.call('HSET', job, 'retry_token', token)
redis.call('SREM', aside, id .. '/' .. index)
redis.call('HDEL', results, index)
redis.call('HINCRBY', load, 'images', 1)
redis.call('HINCRBY', owners_load, 'images', 1)
if state == 'done' then
  redis.call('HINCRBY', load, 'bytes', tonumber(redis.call('HGET', job, 'bytes') or 0))
  redis.call('HDEL', job, 'finished_at')
  redis.call('HSET', job, 'state', 'running')
  redis.call('ZREM', expiring, id)
end
local chunk = id .. '/' .. index .. '/' .. index
redis.call('ZADD', waiting, redis.call('HINCRBY', hints, 'last', 1), chunk)
if #ARGV > 3 then redis.call('XADD', record, '*', unpack(ARGV, 4)) end
return 1
