-- Append what a reader says of an image, unless its job is gone.
-- KEYS: everybody's feedback, job, the job's feedback
-- ARGV: feedback JSON
-- Returns the entry's id in both streams; false when there is no such job. Sent twice (the reply was lost) it appends
-- once: the JSON carries its moment, so no two entries are alike.
if redis.call('EXISTS', KEYS[2]) == 0 then return false end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
if last and last[2][2] == ARGV[1] then return last[1] end
local id = redis.call('XADD', KEYS[1], '*', 'said', ARGV[1])
redis.call('XADD', KEYS[3], id, 'said', ARGV[1])
return id
