-- Chunks that need a new message:
--   held ones whose lease ran out or whose pause is over (their message was used up), and
--   waiting ones older than the grace whose queue is empty (their message was lost).
-- A chunk of several images that stopped a worker is split into single images, so that the next stop names the culprit.
-- KEYS: held chunks, then per queue: the broker's queue, its waiting chunks
-- ARGV: grace (ms), most chunks to return, prefix of job keys, then per queue: its name
-- Returns a flat list: queue, chunk, attempts, queue, chunk, attempts, ...
local held = KEYS[1]
local grace, most, prefix = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local overdue, waiting_of = {}, {}

local function hint(queue, chunk, stops)
  redis.call('ZADD', waiting_of[queue], now, chunk)
  overdue[#overdue + 1] = queue
  overdue[#overdue + 1] = chunk
  overdue[#overdue + 1] = stops
end

for i = 4, #ARGV do
  local queue, broker, waiting = ARGV[i], KEYS[2 * (i - 4) + 2], KEYS[2 * (i - 4) + 3]
  waiting_of[queue] = waiting
  if redis.call('LLEN', broker) == 0 then
    for _, chunk in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', now - grace, 'LIMIT', 0, most)) do
      hint(queue, chunk, 0)
    end
  end
end

for _, chunk in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', now, 'LIMIT', 0, most)) do
  local id, first, last = string.match(chunk, '^(.-)/(%d+)/(%d+)$')
  local attempts = prefix .. id .. ':attempts'
  local queue = redis.call('HGET', prefix .. id, 'queue')
  local stops = tonumber(redis.call('HGET', attempts, chunk) or 0)
  redis.call('ZREM', held, chunk)
  if queue and stops > 0 and first ~= last then
    redis.call('HDEL', attempts, chunk)
    for index = tonumber(first), tonumber(last) do
      local single = id .. '/' .. index .. '/' .. index
      redis.call('HSET', attempts, single, stops)
      hint(queue, single, stops)
    end
  elseif queue then
    hint(queue, chunk, stops)
  end
end
return overdue
