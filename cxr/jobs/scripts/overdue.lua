-- Chunks that need a new message:
--   held ones whose lease ran out or whose pause is over (their message was used up), and
--   waiting ones whose message was lost: it is older than the previous look, and by then either a later one of the same
--   queue had been claimed, or now the queue is empty.
-- Chunks of a job that ended or was deleted are forgotten instead. A chunk whose worker fell silent while it waited for
-- the model (excused) is not to blame, and loses that attempt.
-- A chunk of several images that stopped a worker is split into single images, so that the next stop names the culprit;
-- of several such chunks, the first image of each comes first.
-- KEYS: held chunks, then per queue: the broker's queue, its waiting chunks, its hint numbers
-- ARGV: shortest time between two looks for lost messages (ms), most chunks to return, prefix of job keys,
--       then per queue: its name, and the name of the queue that its chunks are hinted again in
-- Returns a flat list: queue, chunk, attempts, cause, queue, chunk, attempts, cause, ...; the cause is "stopped" where
-- its worker fell silent, else "put_off".
local held = KEYS[1]
local between, most, prefix = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local overdue, keys_of, again_in, stopped = {}, {}, {}, {}

local function queue_if_open(chunk)
  local job = redis.call('HMGET', prefix .. string.match(chunk, '^(.-)/'), 'queue', 'state')
  return (job[2] == 'queued' or job[2] == 'running') and job[1]
end

local function hint(queue, chunk, stops, cause)
  queue = again_in[queue]
  local keys = keys_of[queue]
  redis.call('ZADD', keys.waiting, redis.call('HINCRBY', keys.hints, 'last', 1), chunk)
  overdue[#overdue + 1] = queue
  overdue[#overdue + 1] = chunk
  overdue[#overdue + 1] = stops
  overdue[#overdue + 1] = cause
end

for i = 4, #ARGV, 2 do
  local at = 3 * (i - 4) / 2 + 2
  again_in[ARGV[i]] = ARGV[i + 1]
  keys_of[ARGV[i]] = { broker = KEYS[at], waiting = KEYS[at + 1], hints = KEYS[at + 2] }
end

for i = 4, #ARGV, 2 do
  local keys = keys_of[ARGV[i]]
  local earlier = redis.call('HMGET', keys.hints, 'looked_at', 'last_then', 'claimed_then', 'last', 'claimed')
  local looked_at = tonumber(earlier[1] or 0)
  -- A clock that was set back must not stop the looks.
  if now - looked_at >= between or now < looked_at then
    local lost = redis.call('LLEN', keys.broker) == 0 and earlier[2] or earlier[3]
    redis.call('HSET', keys.hints, 'looked_at', now, 'last_then', earlier[4] or 0, 'claimed_then', earlier[5] or 0)
    for _, chunk in ipairs(redis.call('ZRANGEBYSCORE', keys.waiting, '-inf', lost or 0, 'LIMIT', 0, most)) do
      local queue = queue_if_open(chunk)
      if queue then hint(queue, chunk, 0, 'put_off') end
      if not queue or again_in[queue] ~= ARGV[i] then redis.call('ZREM', keys.waiting, chunk) end
    end
  end
end

for _, chunk in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', now, 'LIMIT', 0, most)) do
  local id, first, last = string.match(chunk, '^(.-)/(%d+)/(%d+)$')
  local attempts = prefix .. id .. ':attempts'
  local queue = queue_if_open(chunk)
  local stops = tonumber(redis.call('HGET', attempts, chunk) or 0)
  local cause = redis.call('HDEL', attempts, 'put_off:' .. chunk) == 1 and 'put_off' or 'stopped'
  if stops > 0 and redis.call('HEXISTS', attempts, 'excused:' .. chunk) == 1 then
    stops = redis.call('HINCRBY', attempts, chunk, -1)
    redis.call('HDEL', attempts, 'excused:' .. chunk)
  end
  if queue then
    if stops > 0 and first ~= last then
      stopped[#stopped + 1] = { queue = queue, id = id, first = first, last = last, stops = stops, chunk = chunk }
    else
      hint(queue, chunk, stops, cause)
      redis.call('ZREM', held, chunk)
    end
  else
    redis.call('ZREM', held, chunk)
  end
end

local offset, more = 0, true
while more do
  more = false
  for _, from in ipairs(stopped) do
    local index = from.first + offset
    if index <= tonumber(from.last) then
      more = true
      local single = from.id .. '/' .. index .. '/' .. index
      redis.call('HSET', prefix .. from.id .. ':attempts', single, from.stops)
      hint(from.queue, single, from.stops, 'stopped')
    end
  end
  offset = offset + 1
end
for _, from in ipairs(stopped) do
  redis.call('HDEL', prefix .. from.id .. ':attempts', from.chunk)
  redis.call('ZREM', held, from.chunk)
end
return overdue
