-- Forget a job that is final. Returns the hashes of the blobs that no job needs any more; false when there is no such
-- job, 0 when it is not final (an image of it is being tried again).
-- KEYS: job, images, results, chunk attempts, expiring jobs, blob needs, jobs by time, set-aside images,
--       references to the instances that its films came as, owner's jobs by time, record
-- ARGV: job id, prefix of reusable answers, then the fields of what goes on the record; none: nothing does
-- The first write removes something, so that Redis lets a job be forgotten, on the record, when its memory is full.
local needs, id, reusable = KEYS[6], ARGV[1], ARGV[2]
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return false end
if state ~= 'done' and state ~= 'cancelled' then return 0 end
redis.call('ZREM', KEYS[5], id)
local unneeded = {}
for _, image in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  local sha256 = cjson.decode(image).sha256
  if sha256 ~= cjson.null and redis.call('HINCRBY', needs, sha256, -1) <= 0 then
    redis.call('HDEL', needs, sha256)
    redis.call('DEL', reusable .. sha256)
    unneeded[#unneeded + 1] = sha256
  end
end
for _, image in ipairs(redis.call('SMEMBERS', KEYS[8])) do
  if string.sub(image, 1, #id + 1) == id .. '/' then redis.call('SREM', KEYS[8], image) end
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[9], KEYS[1] .. ':feedback', KEYS[1] .. ':sent')
redis.call('ZREM', KEYS[7], id)
redis.call('ZREM', KEYS[10], id)
if #ARGV > 2 then redis.call('XADD', KEYS[11], '*', unpack(ARGV, 3)) end
return unneeded
