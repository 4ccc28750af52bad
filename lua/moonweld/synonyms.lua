--- synonyms.lua: words that people know from torch, numpy, Python and Lua's own libraries, and how they are said here. Nothing
-- answers to them; whoever writes one is told.
local core = ...
local S = {}

local said, known = {}, {}
for names, form in ([[
absolute fabs: x:abs()
sgn signum: x:sign()
pow power: x ^ y
reciprocal: 1 / x
add: x + y
sub subtract: x - y
mul multiply: x * y
div divide true_divide: x / y
neg negative: -x
arccos: x:acos()
maximum fmax: max{x, y}
minimum fmin: min{x, y}
clip: x:clamp(low, high)
clamp_min: x:atleast(v)
clamp_max: x:atmost(v)
less: x:lt(y)
less_equal: x:le(y)
greater: x:gt(y)
greater_equal: x:ge(y)
equal: x:eq(y)
not_equal: x:ne(y)
logical_and: m & n
logical_or: m | n
logical_not: ~m
masked_fill masked_select: where(mask, x, y)
amax: x:max()
amin: x:min()
median: x:quantile(0.5)
variance: x:var()
stddev: x:std()
trunc: x:floor()
rint: x:round()
count_nonzero: x:count()
average: x:mean(), or mean(list) of models
kthvalue: x:kth_magnitude(k)
topk top_k: x:keep_top(density)
inner vdot: x:dot(y)
cosine_similarity cos_sim: x:cosine(y)
flatten ravel: x:flat()
view: x:reshape{rows, columns}
broadcast_to expand repeat tile: x:broadcast{rows, columns}
transpose permute t: x:T()
mm bmm einsum: matmul(x, y)
trace: x:diagonal():total()
outer: x * y, of a vector of rows and one of columns
fft fft2 rfft rfft2: matmul(x, y), y of cosines and sines
polar procrustes: orthogonal(x)
inv inverse: solve(a, b), or pinv(x)
eig eigvalsh: eigh(x)
svdvals: svd(x)
cumsum: x:cumulative()
diag: x:diagonal()
linear_sum_assignment: assign(cost)
lstsq: matmul(pinv(a), b)
cov: matmul(x:T(), x), of columns less their means
corrcoef: x:cosine(y)
eye identity: constant(1, {n, n}):diagonal()
arange linspace: constant(step, {1, n}):cumulative()
zeros_like: 0 * x
ones ones_like full full_like: constant(value, {rows, columns})
log1p: (1 + x):log()
expm1: x:exp() - 1
log2: x:log() / math.log(2)
log10: x:log() / math.log(10)
rsqrt: 1 / x:sqrt()
tan: x:sin() / x:cos()
sinh: (x:exp() - (-x):exp()) / 2
cosh: (x:exp() + (-x):exp()) / 2
logsumexp: x:exp():total():log()
prod: x:log():total():exp(), of what is above 0
size numel: x.shape
float half double bfloat16: x:as("f32")
detach clone copy contiguous: x, which nothing changes
isnan isinf nan_to_num: --nonfinite, which says what becomes of them
take index_select: x:gather(indices)
dropout: x:drop_rescale(p, seed)
rand: a.seed:uniform(), of arg.seed()
randn randn_like: x:normal(seed)
rand_like: x:bernoulli(p, seed)
stack: models{x, y}
cat concat concatenate vstack: join{x, y, along = "row"}
hstack: join{x, y, along = "column"}
keys items state_dict: m:map(function(tensor, name) ... end)
len: #list
range: for i = 1, n do ... end
None: nil
True: true
False: false
]]):gmatch("([^\n]-): ([^\n]*)\n") do
  for name in names:gmatch("%S+") do said[name], known[#known + 1] = form, name end
end

--- " -- did you mean x:abs()?" for a word from elsewhere or one that is written otherwise; else the nearest of `words`.
function S.hint(word, words)
  local suggest = core.module("suggest")
  local form = said[word] or core.module("word").written[word]
  local near = not form and suggest.nearest(word, words)
  if near then return " -- did you mean '" .. near .. "'?" end
  form = form or said[suggest.nearest(word, known) or ""]
  return form and " -- did you mean " .. form .. "?" or ""
end

local libraries, parts = { torch = true, np = true, numpy = true, jnp = true, jax = true, tf = true, F = true }, { nn = true, functional = true, linalg = true, numpy = true }

--- What stands for another language's library, so that the word of it can be named; nil for what is none.
function S.library(name)
  if not libraries[name] then return nil end
  local function part(path)
    local function absent(key)
      local fail = core.module("value").fail
      return (fail("recipes have no '%s.%s'%s", path, core.shown(tostring(key)), S.hint(tostring(key), {})))
    end
    return (setmetatable({}, { __metatable = false, __newindex = function(_, key) return (absent(key)) end,
      __index = function(_, key) return parts[key] and part(path .. "." .. key) or absent(key) end }))
  end
  return (part(name))
end

S.said = said
return S
