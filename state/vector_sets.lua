#!lua name=sightline_vectors
-- The writes of the shared index. A vector set has each picture once, for all items that show it; beside it a hash says
-- which picture each item has. The attributes of a picture say how many `items` show it and, while it is only one, the
-- item's; with `many` any item may be behind it, and whoever searches asks the catalogue. A filter fails where a field
-- is missing that it names: the picture of one item without a category or a price lacks that field, which keeps it
-- outside of such limits; with `many` both are there, so that the picture passes.

local function attributes(set, picture)
  local text = redis.call('VGETATTR', set, picture)
  return text and cjson.decode(text)
end

local function count(set, picture, items)
  redis.call('VSETATTR', set, picture, cjson.encode({ items = items, many = 1, category = '', price = 0 }))
end

local function leave(set, pictures, item)
  local picture = redis.call('HGET', pictures, item)
  if not picture then
    return
  end
  redis.call('HDEL', pictures, item)
  local held = attributes(set, picture)
  if held and held.items > 1 then
    count(set, picture, held.items - 1)
  else
    redis.call('VREM', set, picture)
  end
end

local function join(set, pictures, item, picture, vector, facts, expansion)
  local is_known = redis.call('HGET', pictures, item) == picture
  if not is_known then
    leave(set, pictures, item)
    redis.call('HSET', pictures, item, picture)
  end
  local held = attributes(set, picture)
  if not held then
    redis.call('VADD', set, 'FP32', vector, picture, 'Q8', 'EF', expansion, 'SETATTR', facts)
  elseif not is_known then
    count(set, picture, held.items + 1)
  elseif held.items == 1 then
    redis.call('VSETATTR', set, picture, facts)
  end
end

-- The atomic step of a partition, by the state protocol (docs/adr/0002): it happens only if the position still is the
-- one that the writer read. Returns the position after the call.
-- KEYS: position, the set of the names of the shard's vector sets, when items expire, then each vector set and the hash
-- of its items. ARGV: expected position, new position, expansion, number of items, each item with its time of expiry,
-- then for each item and vector set: the item, the set's place in KEYS, attributes, picture, vector. An item without a
-- picture leaves the set.
local function index(keys, args)
  local held = redis.call('GET', keys[1]) or ''
  if held ~= args[1] then
    return held
  end
  local first = 5 + 2 * tonumber(args[4])
  for i = 5, first - 1, 2 do
    if args[i + 1] == '' then
      redis.call('ZREM', keys[3], args[i])
    else
      redis.call('ZADD', keys[3], args[i + 1], args[i])
    end
  end
  for i = first, #args, 5 do
    local set, pictures = keys[tonumber(args[i + 1])], keys[tonumber(args[i + 1]) + 1]
    if args[i + 3] == '' then
      leave(set, pictures, args[i])
    else
      join(set, pictures, args[i], args[i + 3], args[i + 4], args[i + 2], args[3])
      redis.call('SADD', keys[2], set)
    end
  end
  redis.call('SET', keys[1], args[2])
  return args[2]
end

-- Items that expired leave the shard: it follows from what the shard has, so that anyone may ask for it at any time.
-- KEYS: when items expire, then each vector set and the hash of its items. ARGV: the time, the most items.
-- Returns how many items left.
local function expire(keys, args)
  local due = redis.call('ZRANGE', keys[1], '-inf', args[1], 'BYSCORE', 'LIMIT', 0, args[2])
  for _, item in ipairs(due) do
    for i = 2, #keys, 2 do
      leave(keys[i], keys[i + 1], item)
    end
    redis.call('ZREM', keys[1], item)
  end
  return #due
end

-- Not `sightline_index`: version 0.1 registered that with other arguments, and Redis keeps it until this library
-- takes the place of the one of then.
redis.register_function('sightline_index_pictures', index)
redis.register_function('sightline_expire', expire)
