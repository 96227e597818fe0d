-- Take a turn that nobody has, or keep one's own; it ends by itself.
-- KEYS: the turn
-- ARGV: whose, how long from now on (ms)
-- Returns 1, or 0 while it is another's. Sent twice (the reply was lost) it returns the same again.
local whose = redis.call('GET', KEYS[1])
if whose and whose ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
