#!lua name=sightline
-- The two atomic steps of the state protocol (docs/adr/0002). KEYS[1] is the partition's position, the others are values.

local function position_of(key)
  return redis.call('GET', key) or '-1'
end

-- KEYS: position, value… ; returns the position and the values.
local function load(keys)
  local answer = { position_of(keys[1]) }
  for i = 2, #keys do
    answer[i] = redis.call('GET', keys[i])
  end
  return answer
end

-- KEYS: position, value… ; returns the position after the call.
-- ARGV: expected position, new position, value… , then for each value that expires: its index in KEYS, the Unix ms.
local function commit(keys, args)
  local held = position_of(keys[1])
  if held ~= args[1] then
    return held
  end
  for i = 2, #keys do
    redis.call('SET', keys[i], args[i + 1])
  end
  for i = #keys + 2, #args, 2 do
    redis.call('PEXPIREAT', keys[tonumber(args[i])], args[i + 1])
  end
  redis.call('SET', keys[1], args[2])
  return args[2]
end

redis.register_function { function_name = 'sightline_load', callback = load, flags = { 'no-writes' } }
redis.register_function('sightline_store', commit)
