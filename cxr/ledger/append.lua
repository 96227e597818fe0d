-- Add images to a job that is still being received.
-- KEYS: job, images, results, blob needs
-- ARGV: then per image three values: image JSON, sha256 or '', result JSON or ''
-- Returns the job's new total, or -1 when the job is not being received.
local job, images, results, needs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if redis.call('HGET', job, 'state') ~= 'receiving' then return -1 end
local total = tonumber(redis.call('HGET', job, 'total'))
for i = 1, #ARGV, 3 do
  redis.call('RPUSH', images, ARGV[i])
  if ARGV[i + 1] ~= '' then redis.call('HINCRBY', needs, ARGV[i + 1], 1) end
  if ARGV[i + 2] ~= '' then
    redis.call('HSET', results, total, ARGV[i + 2])
    redis.call('HINCRBY', job, 'answered', 1)
  end
  total = total + 1
end
redis.call('HSET', job, 'total', total)
return total
