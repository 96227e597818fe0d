-- Append what a reader says of an image, unless its job is gone.
-- KEYS: everybody's feedback, job, the job's feedback
-- ARGV: feedback JSON
-- Returns the entry's id in both streams; false when there is no such job.
if redis.call('EXISTS', KEYS[2]) == 0 then return false end
local id = redis.call('XADD', KEYS[1], '*', 'said', ARGV[1])
redis.call('XADD', KEYS[3], id, 'said', ARGV[1])
return id
