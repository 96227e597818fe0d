-- Chunks that need a new message:
--   held ones whose lease ran out or whose pause is over (their message was used up), and
--   waiting ones whose message was lost: it is older than the previous look, and by then either a later one of the same
--   queue had been claimed, or now the queue is empty.
-- Chunks of a job that ended or was deleted are forgotten instead.
-- A chunk of several images that stopped a worker is split into single images, so that the next stop names the culprit.
-- KEYS: held chunks, then per queue: the broker's queue, its waiting chunks, its hint numbers
-- ARGV: shortest time between two looks for lost messages (ms), most chunks to return, prefix of job keys,
--       then per queue: its name
-- Returns a flat list: queue, chunk, attempts, queue, chunk, attempts, ...
local held = KEYS[1]
local between, most, prefix = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local overdue, keys_of = {}, {}

local function queue_if_open(chunk)
  local job = redis.call('HMGET', prefix .. string.match(chunk, '^(.-)/'), 'queue', 'state')
  return (job[2] == 'queued' or job[2] == 'running') and job[1]
end

local function hint(queue, chunk, stops)
  local keys = keys_of[queue]
  redis.call('ZADD', keys.waiting, redis.call('HINCRBY', keys.hints, 'last', 1), chunk)
  overdue[#overdue + 1] = queue
  overdue[#overdue + 1] = chunk
  overdue[#overdue + 1] = stops
end

for i = 4, #ARGV do
  local at = 3 * (i - 4) + 2
  local queue, broker, keys = ARGV[i], KEYS[at], { waiting = KEYS[at + 1], hints = KEYS[at + 2] }
  keys_of[queue] = keys
  local earlier = redis.call('HMGET', keys.hints, 'looked_at', 'last_then', 'claimed_then', 'last', 'claimed')
  local looked_at = tonumber(earlier[1] or 0)
  -- A clock that was set back must not stop the looks.
  if now - looked_at >= between or now < looked_at then
    local lost = redis.call('LLEN', broker) == 0 and earlier[2] or earlier[3]
    redis.call('HSET', keys.hints, 'looked_at', now, 'last_then', earlier[4] or 0, 'claimed_then', earlier[5] or 0)
    for _, chunk in ipairs(redis.call('ZRANGEBYSCORE', keys.waiting, '-inf', lost or 0, 'LIMIT', 0, most)) do
      if queue_if_open(chunk) then hint(queue, chunk, 0) else redis.call('ZREM', keys.waiting, chunk) end
    end
  end
end

for _, chunk in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', now, 'LIMIT', 0, most)) do
  local id, first, last = string.match(chunk, '^(.-)/(%d+)/(%d+)$')
  local attempts = prefix .. id .. ':attempts'
  local queue = queue_if_open(chunk)
  local stops = tonumber(redis.call('HGET', attempts, chunk) or 0)
  if queue then
    if stops > 0 and first ~= last then
      for index = tonumber(first), tonumber(last) do
        local single = id .. '/' .. index .. '/' .. index
        redis.call('HSET', attempts, single, stops)
        hint(queue, single, stops)
      end
      redis.call('HDEL', attempts, chunk)
    else
      hint(queue, chunk, stops)
    end
  end
  redis.call('ZREM', held, chunk)
end
return overdue
