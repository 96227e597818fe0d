-- Chunks whose lease ran out or whose message never arrived; each is put off by the grace, so that one look at a time
-- acts on it. A chunk of several images that stopped a worker is split into single images, so that the next stop
-- names the culprit.
-- KEYS: due chunks
-- ARGV: grace (ms), most chunks to return, prefix of job keys
-- Returns a flat list: chunk, attempts, chunk, attempts, ...
local due = KEYS[1]
local grace, most, prefix = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local overdue = {}
for _, chunk in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, most)) do
  local id, first, last = string.match(chunk, '^(.-)/(%d+)/(%d+)$')
  local attempts = prefix .. id .. ':attempts'
  local stops = tonumber(redis.call('HGET', attempts, chunk) or 0)
  if stops > 0 and first ~= last then
    redis.call('ZREM', due, chunk)
    redis.call('HDEL', attempts, chunk)
    for index = first, last do
      local single = id .. '/' .. index .. '/' .. index
      redis.call('ZADD', due, now + grace, single)
      redis.call('HSET', attempts, single, stops)
      overdue[#overdue + 1] = single
      overdue[#overdue + 1] = stops
    end
  else
    redis.call('ZADD', due, now + grace, chunk)
    overdue[#overdue + 1] = chunk
    overdue[#overdue + 1] = stops
  end
end
return overdue
