#!lua name=sightline_vectors
-- The atomic write of the shared index, by the state protocol (docs/adr/0002): it happens only if the position still is
-- the one that the writer read.

-- KEYS: position, the set of the names of the shard's vector sets, vector set… ; returns the position after the call.
-- ARGV: expected position, new position, expansion, then for each change: the vector set's index in KEYS, the element,
-- its attributes, its vector. An empty vector removes the element.
local function index(keys, args)
  local held = redis.call('GET', keys[1]) or ''
  if held ~= args[1] then
    return held
  end
  for i = 4, #args, 4 do
    local set, element, attributes, vector = keys[tonumber(args[i])], args[i + 1], args[i + 2], args[i + 3]
    if vector == '' then
      redis.call('VREM', set, element)
    else
      redis.call('VADD', set, 'FP32', vector, element, 'Q8', 'EF', args[3], 'SETATTR', attributes)
      redis.call('SADD', keys[2], set)
    end
  end
  redis.call('SET', keys[1], args[2])
  return args[2]
end

redis.register_function('sightline_index', index)
