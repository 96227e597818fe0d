-- Write fields of a job, or of a part of it, unless the job is gone: what is written then would stay for ever.
-- KEYS: job, the hash that is written (the job itself, or what goes with it)
-- ARGV: field, value, field, value, ...
-- Returns 1; false when there is no such job. Sent twice (the reply was lost) it writes the same again.
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
for i = 1, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
