-- Take back the answer of a set-aside image and let it be tried again.
-- KEYS: job, results, waiting chunks and hint numbers of the queue it is hinted again in, expiring jobs, load of all,
--       load of the owner, set-aside images
-- ARGV: job id, index
-- Returns 1, or 0 when the image was not set aside or its job was cancelled.
local job, results, waiting, hints, expiring, load, owners_load, aside = unpack(KEYS)
local id, index = ARGV[1], ARGV[2]
local state = redis.call('HGET', job, 'state')
if not state or state == 'cancelled' then return 0 end
if redis.call('SISMEMBER', aside, id .. '/' .. index) == 0 then return 0 end
if redis.call('HEXISTS', results, index) == 0 then return 0 end
redis.call('HINCRBY', job, 'answered', -1)
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
return 1
