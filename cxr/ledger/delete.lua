-- Forget a job. Returns the hashes of the blobs that no job needs any more; false when there is no such job.
-- KEYS: job, images, results, chunk attempts, expiring jobs, blob needs
-- ARGV: job id
local needs = KEYS[6]
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local unneeded = {}
for _, image in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  local sha256 = cjson.decode(image).sha256
  if sha256 ~= cjson.null and redis.call('HINCRBY', needs, sha256, -1) <= 0 then
    redis.call('HDEL', needs, sha256)
    unneeded[#unneeded + 1] = sha256
  end
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('ZREM', KEYS[5], ARGV[1])
return unneeded
