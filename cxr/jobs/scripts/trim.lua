-- Remove old entries of the record, and put on the record that this was done.
-- KEYS: record
-- ARGV: the time (ms) before which entries go, then the new entry's fields
-- Returns how many went. Sent twice (the reply was lost) it records nothing the second time.
local removed = redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[1])
if removed > 0 then redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2)) end
return removed
