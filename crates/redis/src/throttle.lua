-- Counts one attempt in all buckets, or in none. Returns the microseconds to wait; 0 if it is admitted.
--
-- KEYS: the buckets. ARGV: 1 to take an attempt or -1 to give it back; then for each bucket its
-- interval in microseconds and its burst.
--
-- A value is the theoretical arrival time of the next attempt (GCRA), in microseconds of this server:
-- an integer that a double holds exactly until the year 2255.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrivals, wait = {}, 0
for i, key in ipairs(KEYS) do
  local interval, burst = ARGV[2 * i], ARGV[2 * i + 1]
  local latest = now + interval * burst
  -- `now` is the first argument, so that it is the result if the other one is not a number. Later
  -- than `latest` only if the clock was set back, or with another limit.
  local arrival = math.min(latest, math.max(now, tonumber(redis.call('GET', key)) or 0))
  arrivals[i] = arrival + ARGV[1] * interval
  wait = math.max(wait, math.ceil(arrivals[i] - latest))
end
if wait > 0 then
  return wait
end
for i, key in ipairs(KEYS) do
  -- A bucket whose time has passed is as one that does not exist.
  local milliseconds = math.ceil((arrivals[i] - now) / 1000)
  if milliseconds > 0 then
    -- As text: Redis would keep 14 digits of a number.
    local arrival = string.format('%.0f', arrivals[i])
    redis.call('SET', key, arrival, 'PX', string.format('%.0f', milliseconds))
  else
    redis.call('DEL', key)
  end
end
return 0
