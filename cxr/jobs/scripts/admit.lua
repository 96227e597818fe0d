-- Count one request against several rates, or against none of them when one is used up (generic cell rate algorithm:
-- each key holds the time at which its rate would be idle again).
-- KEYS: one per rate
-- ARGV: of each rate, how many in a period, and the period (ms)
-- Returns the milliseconds after which the request may come again; 0 when it was counted.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local idle, wait = {}, 0
for i, key in ipairs(KEYS) do
  local most, period = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  idle[i] = math.max(tonumber(redis.call('GET', key) or '0'), now) + period / most
  wait = math.max(wait, idle[i] - period - now)
end
if wait > 0.5 then return math.ceil(wait) end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.3f', idle[i]), 'PX', math.ceil(idle[i] - now))
end
return 0
