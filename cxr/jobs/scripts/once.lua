-- Put a deed on the record unless it was recorded lately. The entry comes before its mark: what cannot be recorded
-- leaves no mark, and is recorded when it is done again.
-- KEYS: the deed's mark, record
-- ARGV: how long the mark is kept (s), '' for ever; then the entry's fields
-- Returns 1 when it was recorded now, 0 when it was before. Sent twice (the reply was lost) it finds its own mark.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
if ARGV[1] == '' then redis.call('SET', KEYS[1], '1') else redis.call('SET', KEYS[1], '1', 'EX', ARGV[1]) end
return 1
