#!lua name=sightline_vectors
-- The writing step of the shared index, by the state protocol (docs/adr/0002): all of it, where the position still is
-- what the writer had read; else nothing.

-- KEYS: position, the set of the names of the shard's vector sets, vector set… ; gives the position that now holds.
-- ARGV: expected position, new position, expansion, then of each change: the vector set's place in KEYS, the element,
-- its attributes, its vector; without a vector it is taken out.
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
