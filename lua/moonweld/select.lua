--- select.lua: trimming by magnitude (TIES) and the election of signs. Exact over the whole model or each tensor.
local core = ...
local V, O, R = core.module("value"), core.module("ops"), core.module("reduce")
local word = core.module("word").word
local data, kind, fail, methods = V.data, V.kind, V.fail, V.methods
local S = {}

--- One of the words, the first of which is the default.
local function word_of(options, name, ...)
  local given, words = options and options[name], { ... }
  if given == nil then return words[1] end
  for _, known in ipairs(words) do if given == known then return given end end
  return (fail("%s = '%s' is none of %s%s", name, core.shown(tostring(given)), table.concat(words, ", "), core.module("suggest").hint(tostring(given), words)))
end

--- A lazy density is looked at while the merge runs.
local function share(density)
  if kind(density) == "node" and not core.is_tensor(density) then return density end
  if type(density) ~= "number" then fail("'density' is a plain number from 0 to 1, not %s", V.called(density)) end
  if not (density >= 0 and density <= 1) then fail("'density' = %s is outside [0, 1]", tostring(density)) end
  return density
end

--- Of n elements the `kept` largest, a number that may be lazy.
local function largest(tensors, kept)
  local result, first = {}, 0
  local threshold = core.apply("kth_lazy", tensors, kept)
  local last, any = core.apply("tie", tensors, threshold), core.apply("le", 1, kept)
  for i, t in ipairs(tensors) do
    result[i] = core.apply("and", any, core.apply("top", t, threshold, last, first))
    first = first + core.elements(t)
  end
  return result
end

--- As below, where the density is lazy or is the number itself.
local function lazy_masks(tensors, n, density, count)
  local kept = count == "number" and density or core.apply("floor", core.apply("mul", density, n))
  if count == "some" then kept = core.apply("where", core.apply("lt", 0, density), core.apply("max", kept, 1), 0) end
  if count ~= "ties" then return (largest(tensors, kept)) end
  local threshold, result = core.apply("kth_lazy", tensors, core.apply("add", kept, 1)), {}
  for i, t in ipairs(tensors) do result[i] = core.apply("le", threshold, core.apply("abs", t)) end
  return result
end

--- Masks of the `kept` largest of d elements, of equal ones the lower indices, or if `behind` is 1 the higher ones.
local function exactly(tensors, kept, d, behind)
  local result, first = {}, 0
  if kept == 0 then
    for i, t in ipairs(tensors) do result[i] = core.apply("lt", core.apply("abs", t), 0) end
    return result
  end
  local threshold = core.apply("kth", tensors, d - kept)
  local last = core.apply("tie", tensors, threshold, behind) -- those that equal it are kept up to the index `last`, or behind it
  for i, t in ipairs(tensors) do
    result[i] = core.apply("top", t, threshold, last, first, behind)
    first = first + core.elements(t)
  end
  return result
end

--- Of d elements the int(d * density) that follow the int(d * below) largest; so many of these stay that there are enough to keep. Of equal
-- ones the lower index counts as the smaller one, as in mergekit, which sorts them upwards.
local function band(t, density, below)
  local d = core.elements(t)
  local kept = math.floor(d * share(density))
  local above = math.min(math.floor(d * share(below)), d - kept)
  if kept == d then return t end
  return (core.apply("where", exactly({ t }, above, d, 1)[1], 0, core.apply("where", exactly({ t }, above + kept, d, 1)[1], t, 0)))
end

--- Masks of what is kept of tensors taken as one vector: a list in their order.
local function masks(tensors, density, count)
  local d, result = 0, {}
  for _, t in ipairs(tensors) do d = d + core.elements(t) end
  if kind(density) == "node" or count == "number" then return (lazy_masks(tensors, d, density, count)) end
  local kept = math.floor(d * density)
  if count == "ties" then -- the reference: every |x| at least the (d - int(d * density))-th smallest
    local threshold = core.apply("kth", tensors, math.max(d - kept, 1) - 1)
    for i, t in ipairs(tensors) do result[i] = core.apply("le", threshold, core.apply("abs", t)) end
    return result
  end
  if count == "some" and density > 0 then kept = math.max(kept, 1) end -- as mergekit does since 0.1.5
  return (exactly(tensors, kept, d))
end

--- Magnitudes times a number have the same order. So tensors that are all multiplied by one number that only data tells are ranked without
-- it, in the pass that finds it. Where products of different values are equal, the larger value is kept.
local function unscaled(tensors)
  local plain, factor = {}, nil
  for i, t in ipairs(tensors) do
    local x, by = core.unscaled(t)
    if not x or (factor and factor ~= by) then return tensors end
    plain[i], factor = x, by
  end
  return plain
end

local function trim(tensors, density, count)
  if count == "number" and type(density) == "number" then
    if density < 0 or density ~= math.floor(density) then fail("keep_top(k, {count = \"number\"}) takes a whole number from 0") end
  elseif count ~= "number" and share(density) == 1 then return tensors end
  if #tensors == 0 then return tensors end
  local result, mask = {}, masks(count == "ties" and tensors or unscaled(tensors), density, count)
  for i, t in ipairs(tensors) do result[i] = core.apply("where", mask[i], t, 0) end
  return result
end

--- The same of each row of a tensor, or of each `of` neighbours: `kept` of n, of equal ones the lower indices.
local function trim_rows(t, kept, n, count)
  if kept >= n or core.elements(t) == 0 then return t end
  local mask
  if count == "ties" then
    local magnitude = V.op "abs" (t)
    mask = V.op "le" (V.op "row_quantile" (magnitude, n, math.max(n - kept, 1) - 1), magnitude)
  else mask = V.op "le" (n - kept, V.op "row_rank" (V.op "abs" (t), n, 1)) end
  return (V.op "where" (mask, t, 0))
end

local function keep_in_rows(x, density, options, count)
  return (V.lift(function(x_or_vector, d)
    local t = V.whole(x_or_vector, "keep_top")
    local n = R.run(t, options.of)
    if options.of then
      if type(d) ~= "number" or d ~= math.floor(d) or d < 0 or d > n then fail("keep_top(k, {of = %d}) keeps k of every %d: a whole number from 0 to %d", n, n, n) end
      return (trim_rows(t, math.floor(d), n, "exact"))
    end
    if type(share(d)) ~= "number" then fail("along rows 'density' is a plain number") end
    local kept = count == "number" and d or math.floor(n * d)
    if count == "some" and d > 0 then kept = math.max(kept, 1) end
    return (trim_rows(t, kept, n, count))
  end, x, density))
end

--- per: "tensor", "row" or "model"; count: "ties", "exact", "some", or "number": the density is how many
-- elements; of = m: so many of every m neighbours; below = g: what follows the largest int(g * n), each tensor by itself.
word("x:keep_top(density, {per=, count=, of=, below=})", function(x, density, options)
  local per, count = R.per(options, { "tensor", "row", "model" }), word_of(options, "count", "ties", "exact", "some", "number")
  if per == "row" then return (keep_in_rows(x, density, options, count)) end
  if options and options.of then return (fail("'of' counts neighbours along a row; leave per = \"%s\" out", per)) end
  if options and options.below then return (V.lift(function(t, d, g) return core.elements(t) == 0 and t or band((V.whole(t, "keep_top")), d, g) end, x, density, options.below)) end
  if kind(x) == "list" or per == "tensor" or kind(x) ~= "model" then
    if kind(x) == "list" and per == "model" then
      local items = {}
      for i, item in ipairs(data(x).items) do
        items[i] = methods.keep_top(item, kind(density) == "list" and data(density).items[i] or density, options)
      end
      return (V.list(items))
    end
    return (V.lift(function(t, q)
      if core.elements(t) == 0 then return t end
      return trim({ count == "ties" and t or (V.whole(t, "keep_top")) }, q, count)[1] -- an index is one in a tensor
    end, x, density))
  end
  local names, whole = core.module("meet").whole(data(x))
  local tensors, nodes = {}, {}
  for i, name in ipairs(names) do tensors[i] = whole[name] end
  for i, node in ipairs(trim(tensors, density, count)) do nodes[names[i]] = node end
  return (V.model(names, nodes, data(x).label, data(x)))
end)

--- One model alone agrees with itself, whatever it weighs.
local function is_alone(list, weight)
  local own = kind(weight) == "list" and data(weight).items[1] or weight or 1
  return #data(list).items == 1 and type(own) == "number" and own ~= 0
end

--- TIES' first two steps: the list trimmed, with what disagrees with the elected sign set to 0. A vote that is drawn goes
-- to the model's majority (and where there is none either, to minus), or with drawn = "plus" to plus. Where weights count,
-- it is the weighted values that agree or not.
S.sign_trim = word("sign_trim(list, density, {per=, count=, weight=, drawn=})", function(list, density, options)
  local drawn = word_of(options, "drawn", "majority", "plus")
  local kept = methods.keep_top(V.list(list), density, options and { per = options.per, count = options.count })
  local weight = options and options.weight
  if is_alone(kept, weight) then return kept end
  local voters = weight and V.lift(V.op "mul", weight, kept) or kept
  local gamma = methods.sign(O.sum(voters))
  local plus
  if drawn == "plus" then plus = methods.ge(gamma, 0)
  else
    local majority = kind(gamma) == "model" and methods.flat(gamma) or gamma
    plus = methods.gt(gamma + methods.eq(gamma, 0) * methods.sign(methods.total(majority)), 0)
  end
  return (V.lift(function(t, voter, p)
    return (core.apply("where", core.apply("where", p, core.apply("lt", 0, voter), core.apply("lt", voter, 0)), t, 0))
  end, kept, voters, plus))
end)

--- TIES' last step: the (weighted) mean over those members that are not 0; 0 where all are.
S.disjoint_mean = word("disjoint_mean(list[, weight])", function(list, weight)
  list, weight = V.list(list), weight or 1
  if is_alone(list, weight) then return data(list).items[1] end
  local votes = V.lift(V.op "mul", weight, methods.ne(list, 0))
  local total = O.sum(votes)
  return O.sum(V.lift(V.op "mul", weight, list)) / O.where(methods.eq(total, 0), 1, total)
end)

return S
