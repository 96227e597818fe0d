-- Add images to a job that is still being received, if the backlog has room for them.
-- KEYS: job, images, results, blob needs, load of all, load of the owner, what was sent of each image
-- ARGV: most images of all, most bytes of all, most images of the owner, the call's own token,
--       then per image five values: image JSON, sha256 or '', size in bytes, result JSON or '', what was sent of it
-- Returns the job's new total; -1 when the job is not being received, -2 when all is full, -3 when the owner's share is.
-- Sent twice (the reply was lost) it adds nothing the second time.
local job, images, results, needs, load, owners_load = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local most_images, most_bytes, owners_most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if redis.call('HGET', job, 'state') ~= 'receiving' then return -1 end
if redis.call('HGET', job, 'append_token') == ARGV[4] then return tonumber(redis.call('HGET', job, 'total')) end
local new_images, new_bytes = 0, 0
for i = 5, #ARGV, 5 do
  if ARGV[i + 3] == '' then
    new_images = new_images + 1
    new_bytes = new_bytes + tonumber(ARGV[i + 2])
  end
end
local function exceeds(key, field, more, most) return tonumber(redis.call('HGET', key, field) or 0) + more > most end
if new_images > 0 then
  if exceeds(load, 'images', new_images, most_images) or exceeds(load, 'bytes', new_bytes, most_bytes) then return -2 end
  if exceeds(owners_load, 'images', new_images, owners_most) then return -3 end
  redis.call('HINCRBY', load, 'images', new_images)
  redis.call('HINCRBY', load, 'bytes', new_bytes)
  redis.call('HINCRBY', owners_load, 'images', new_images)
  redis.call('HINCRBY', job, 'bytes', new_bytes)
end
local total = tonumber(redis.call('HGET', job, 'total'))
for i = 5, #ARGV, 5 do
  redis.call('RPUSH', images, ARGV[i])
  redis.call('RPUSH', KEYS[7], ARGV[i + 4])
  if ARGV[i + 1] ~= '' then redis.call('HINCRBY', needs, ARGV[i + 1], 1) end
  if ARGV[i + 3] ~= '' then
    redis.call('HSET', results, total, ARGV[i + 3])
    redis.call('HINCRBY', job, 'answered', 1)
  end
  total = total + 1
end
redis.call('HSET', job, 'total', total, 'append_token', ARGV[4])
return total
