-- Take the first member whose time has come, and put it off, so that nobody else takes it meanwhile.
-- KEYS: members by the time (ms) at which they are due
-- ARGV: how long it is put off (ms)
-- Returns the member; false when none is due.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 1)
if #due == 0 then return false end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), due[1])
return due[1]
