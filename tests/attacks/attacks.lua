-- attacks.lua FOLDER: writes the hostile recipes to the folder, each as NAME.lua, and prints how each must end, a line an attack,
-- with tabs between: its name, the exit code, the seconds that it may compute ("-" for the default), "data" where it gets data to
-- learn from, and words of the message. An attack is a row: { NAME, WORDS, TEXT, code = 65, seconds = ... }, and a kind of attacks
-- is what stands around their texts.
local folder = arg[1]

-- `around` is a file with ATTACK in it. Where `data` is true its attacks get data to learn from.
local function kind(around, data)
  return function(attacks)
    for _, attack in ipairs(attacks) do
      local name, words, text = table.unpack(attack)
      text = around:gsub("ATTACK", (text:gsub("%%", "%%%%")))
      assert(around == "ATTACK" or load(text, name)) -- a slip here would be refused as well, but is no attack
      local file = assert(io.open(folder .. "/" .. name .. ".lua", "wb"))
      file:write(text)
      file:close()
      print(table.concat({ name, attack.code or 65, attack.seconds or "-", data and attack.data ~= false and "data" or "-", words }, "\t"))
    end
  end
end

local plain = 'return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }\n'
local whole = kind "ATTACK"
local when_loaded = kind("ATTACK\n" .. plain)
local declared = kind [[
return recipe { "A hostile recipe.", arg.model("base", "a model"),
  ATTACK,
  function(a) return a.base end }
]]
local inside = kind [[
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  ATTACK
  return a.base
end }
]]

-- Models, coefficients, a forward pass and a loss that are all right; the attack is what is made of them.
local around = [[
return recipe { "A hostile recipe.", arg.model("base", "a model"), arg.calibration(), function(a)
  local m = models { a.base, a.base }
  local function tiny(w, batch) return linear(embedding(batch, w "w.weight"), w "w.weight") end
  local function plain(c, batch) return cross_entropy(logits(sum(c * m), batch[1], tiny), batch[1]) end
  ATTACK
end }
]]
local learning = kind(around, true)
local settings = kind((around:gsub("ATTACK", "return sum(learn { start = m:columns(0.5), data = a.data, steps = 3, loss = plain, ATTACK } * m)")), true)
local losses = kind((around:gsub("ATTACK", "return sum(learn { start = m:columns(0.5), data = a.data, steps = 1, loss = ATTACK } * m)")), true)
local networks = kind((around:gsub("ATTACK", [[
local function loss(_, batch)
    local w
    a.base:map(function(t) w = t return t end)
    local e = embedding(batch[1], w)
    return (ATTACK)
  end
  return sum(learn { start = m:columns(0.5), data = a.data, steps = 1, loss = loss } * m)]])), true)

-- ---- what recipes do not have ----

for word in ("collectgarbage coroutine debug dofile getmetatable io load loadfile next os package pcall rawget rawset setmetatable utf8 xpcall"):gmatch "%S+" do
  inside { { "no_" .. word, "recipes have no '" .. word .. "'", "local x = " .. word } }
end

-- ---- files that are no recipes ----

whole {
  { "architecture_alone", "returns an architecture, not a recipe{...}", [[return architecture { "Not a recipe.", function(w, batch) return w("x") end }]] },
  { "bom", "begins with a byte order mark", "\xef\xbb\xbf" .. plain },
  { "bytecode", "is compiled Lua", "\27Lua" .. plain },
  { "loop_at_load", "too long", "while true do end" },
  { "not_a_recipe", "returns a number, not a recipe{...}", "return 42" },
  { "nul_byte", "holds a NUL character", 'local x = 1 \0 os.execute("id")\n' .. plain },
  { "returns_nothing", "returns nil, not a recipe{...}", "" },
  { "shebang_only", "returns nil, not a recipe{...}", "#!/bin/sh" },
  { "syntax", "syntax error", "this is not Lua" },
  { "too_large", "262144", ("-- a recipe file has at most 256 KB\n"):rep(9000) },
  { "deep_parentheses", "overflow", "local x = " .. ("("):rep(5000) .. "1" .. (")"):rep(5000) .. "\n" .. plain },
  { "deep_tables", "overflow", "local x = " .. ("{"):rep(5000) .. ("}"):rep(5000) .. "\n" .. plain },
  { "too_many_locals", "local variables", ("local v\n"):rep(300) .. plain },
  { "no_doc", "begins with a sentence", [[return recipe { arg.model("base", "m"), function(a) return a.base end }]] },
  { "summary_bidi", "without control characters", [[return recipe { "A hostile \u{202e}epicer.", arg.model("base", "m"), function(a) return a.base end }]] },
  { "paper_no_utf8", "without control characters", [[return recipe { "x", paper = "\x9b31m", arg.model("base", "m"), function(a) return a.base end }]] },
  { "control_doc", "single lines", [[return recipe { "x\27[31m", arg.model("base", "m"), function(a) return a.base end }]] },
  { "not_a_model", "not a model", [[return recipe { "x", arg.model("base", "m"), function() return 3 end }]] },
  { "unknown_field", "has no field 'papr'", [[return recipe { "x", papr = "y", arg.model("base", "m"), function(a) return a.base end }]] },
  { "too_many_arguments", "at most 64", [[
local p = { "x", arg.model("base", "m") }
for i = 1, 70 do p[#p + 1] = arg("x" .. i, 1, "d") end
p[#p + 1] = function(a) return a.base end
return recipe(p)]] },
}

-- ---- as it is loaded ----

when_loaded {
  { "architecture_class", "entry 1 of classes is not", [[local a = architecture { "A class that is none.", classes = { { "*", "everything" } }, function(w, batch) return w("x") end }]] },
  { "call_itself", "setmetatable", "local t = setmetatable({}, {}) t.__call = t" },
  { "collectgarbage", "collectgarbage", [[collectgarbage("stop")]] },
  { "coroutine", "coroutine", "coroutine.wrap(function() while true do end end)()" },
  { "debug_registry", "debug", "debug.getregistry()" },
  { "dofile", "dofile", [[dofile("/etc/passwd")]] },
  { "freeze_math", "'math' cannot be changed", "math.pi = 3" },
  { "freeze_string", "'string' cannot be changed", [[string.rep = function() return "" end]] },
  { "freeze_vocabulary", "'arg' cannot be changed", "arg.model = nil" },
  { "gc_metamethod", "setmetatable", "setmetatable({}, { __gc = function() while true do end end })" },
  { "getmetatable_string", "getmetatable", [[getmetatable("").__index = {}]] },
  { "global_stays", "", "x = 1", code = 0 },
  { "index_chain", "setmetatable", "local t = {} for _ = 1, 1e6 do t = setmetatable({}, { __index = t }) end local _ = t.x" },
  { "io_open", "io", [[io.open("/etc/passwd")]] },
  { "load_text", "load", [[load("return 1")()]] },
  { "loadfile", "loadfile", [[loadfile("/etc/passwd")]] },
  { "loadstring", "loadstring", [[loadstring("return 1")()]] },
  { "loop_while_loading", "too long", "while true do end" },
  { "math_random", "random", "math.random()" },
  { "math_randomseed", "randomseed", "math.randomseed(1)" },
  { "next_absent", "next", "next({})" },
  { "os_execute", "os", [[os.execute("touch was_here")]] },
  { "package_loadlib", "package", [[package.loadlib("libc.so.6", "system")]] },
  { "pcall", "pcall", [[pcall(error, "caught")]] },
  { "rawset", "rawset", [[rawset(string, "rep", nil)]] },
  { "require_absolute", "require takes a recipe's name", [[require "/etc/passwd"]] },
  { "require_dots", "require takes a recipe's name", [[require "..outside"]] },
  { "require_fifo", "not a regular file", [[require "pipe"]] },
  { "require_flood", "no recipe 'nowhere1'", [[for i = 1, 1e6 do require("nowhere" .. i) end]] },
  { "require_folder", "a folder, expected a recipe", [[require "folder"]] },
  { "require_itself", "requires itself", [[require "require_itself"]] },
  { "require_link", "leads out of the recipe's folder", [[require "linked"]] },
  { "require_missing", "nowhere", [[require "nowhere"]] },
  { "require_nul", "require takes a recipe's name", [[require "ties\0x"]] },
  { "require_number", "require takes a recipe's name", "require(42)" },
  { "require_parent", "require takes a recipe's name", [[require "../outside"]] },
  { "setmetatable", "setmetatable", "setmetatable({}, { __index = function(t, k) return k end })" },
  { "string_dump", "dump", "string.dump(function() end)" },
  { "string_pack", "pack", [[string.pack("i4", 1)]] },
  { "string_unpack", "unpack", [[("abcd"):unpack("i4")]] },
  { "utf8_absent", "utf8", "utf8.char(65)" },
  { "warn", "warn", [[warn("@on")]] },
  { "xpcall", "xpcall", "xpcall(error, print)" },
}

-- ---- arguments ----

declared {
  { "default_infinite", "'x' = inf is not a finite number", [[arg("x", 1/0, "too much")]] },
  { "default_nan", "'x' = nan is not a finite number", [[arg("x", 0/0, "not a number")]] },
  { "default_outside", "'x' = 3 is outside [0, 1]", [[arg("x", 3, "outside of its limits", { min = 0, max = 1 })]] },
  { "doc_control_characters", "without control characters", [[arg("x", 1, "red \27[31m text")]] },
  { "doc_c1", "without control characters", [[arg("x", 1, "red \u{9b}31m text")]] },
  { "doc_no_utf8", "without control characters", [[arg("x", 1, "red \x9b31m text")]] },
  { "default_escapes", "", [[arg("x", "\27[31m \u{9b}31m \u{202e} \x9b", "a text")]], code = 0 },
  { "doc_missing", "this is written arg(name, default, doc", [[arg("x", 1)]] },
  { "name_bad", "named by small letters", [[arg("--force", 1, "not a name")]] },
  { "name_reserved", "option of every merge", [[arg("seed", 1, "one of ours")]] },
  { "name_reserved_output", "option of every merge", [[arg("output", "x", "one of ours")]] },
  { "name_twice", "declared twice", [[arg("x", 1, "once"), arg("x", 2, "twice")]] },
  { "name_upper", "named by small letters", [[arg("X", 1, "not a name")]] },
  { "name_spaces", "small letters", [[arg("A b", 1, "not a name")]] },
  { "model_twice", "declared twice", [[arg.model("base", "once more")]] },
  { "words_empty", "needs words to choose from", [[arg.words("some", {}, "none")]] },
}

-- ---- in its function ----

inside {
  { "ask_for_a_value", "can only answer true or false", "if a.base < a.base then return a.base end" },
  { "change_arguments", "cannot be changed", "a.base = 1" },
  { "change_library", "cannot be changed", "string.rep = nil" },
  { "change_model", "cannot be changed", "a.base.x = 1" },
  { "closure_bomb", "memory", "local t = {} for i = 1, math.huge do t[i] = function() return i end end", seconds = 20 },
  { "compare_tensors", "a:lt(b), which gives a mask", "local t if a.base < a.base then t = 1 end" },
  { "compare_equal", "a:eq(b), which gives a mask", "local t if a.base == 2 * a.base then t = 1 end" },
  { "condition_far", "always takes what ':gt' gives for true", "local x = a.base if x" .. (":gt(x)"):rep(20000) .. " then end", seconds = 20 },
  { "condition_each", "always takes what ':le' gives for true", ("do local m = a.base:le(1) if m then end end "):rep(4000), seconds = 20 },
  { "library_of_another", "did you mean a.seed:uniform(), of arg.seed()?", "torch.rand(2)" },
  { "library_of_another_changed", "recipes have no 'np.abs'", "np.abs = math.abs" },
  { "concat_bomb", "memory", [[local s = "x" while true do s = s .. s end]], seconds = 20 },
  { "concat_huge", "a text longer than 1 MB", [[local t = {} for i = 1, 1e6 do t[i] = "0123456789" end local s = table.concat(t)]] },
  { "error_escapes", [[\x1b[2J\x1b]0;owned\x07 \u009b 31m \u202e end]], [[error("\27[2J\27]0;owned\7 \194\155 31m \226\128\174 end")]] },
  { "error_long", "xxxx", [[error(string.rep("x", 1e6))]] },
  { "error_object", "error object is a table", "error({ code = 1 })" },
  { "error_object_address", "error object is a table", "error({})" },
  { "error_object_number", ": nil", "error(nil)" },
  { "format_address", "knows no %p here", [[print(string.format("%p", {}))]] },
  { "format_tensor", "", [[a.base:map(function(t) print(string.format("%s", t), tostring(t), string.format("%s", print)) return t end) print(string.format("%s %s", a.base, a))]], code = 0 },
  { "format_wide", "invalid conversion", [[string.format("%999999999d", 1)]] },
  { "glob_slow", "no tensor is called '*a*a", [[do return a.base:only(string.rep("*a", 50000) .. "b") end]] },
  { "graph_bomb", "too long", "local x = a.base for i = 1, 1e9 do x = x * a.base + i end" },
  { "gsub_endless", "too long", [[string.gsub("a", "a", function() while true do end end)]] },
  { "gsub_huge", "memory", [[local s = string.rep("x", 1e6) s = s:gsub("x", s)]], seconds = 20 },
  { "handle_confusion", "a tensor or a number is needed here, not a table", "do return a.base + {} end" },
  { "infinite_number", "not finite", "do return a.base * math.huge end" },
  { "insert_far", "position out of bounds", "table.insert({}, 1e15, 1)" },
  { "io_popen", "io", [[io.popen("id")]] },
  { "loop", "too long", "while true do end" },
  { "loop_compare", "too long", [[local s = string.rep("x", 1000000) local n = 0 while true do if s .. "a" < s .. "b" then n = n + 1 end end]] },
  { "loop_in_lua", "too long", "while true do end" },
  { "loop_line_named", "loop_line_named.lua:4", "local n = 0\n\nwhile true do n = n + 1 end" },
  { "loop_pattern", "too long", [[local s = string.rep("a", 100000) for i = 1, 1e9 do s:find(string.rep("a?", 30) .. string.rep("a", 30) .. "b") end]] },
  { "loop_repeat_goto", "too long", "::again:: goto again" },
  { "loop_sort", "too long", "local t = {} for i = 1, 1e6 do t[i] = i end for i = 1, 1e6 do table.sort(t, function(x, y) return x > y end) end" },
  { "loop_tail", "too long", "local function f() return f() end f()" },
  { "loop_tail_calls", "too long", "local function f() return f() end f()" },
  { "mass_delta", "weighs 0 models", "do return a.base - a.base end" },
  { "mass_sum", "weighs 2 models", "do return a.base + a.base end" },
  { "concat_far", "invalid value", [[table.concat({}, "", 1, math.maxinteger)]] },
  { "concat_separator", "memory", [[local t = {} for i = 1, 1e5 do t[i] = "x" end table.concat(t, ("s"):rep(1e6))]], seconds = 20 },
  { "config_cycle", "", "local t = {} t.t = t a.base:with_config { a = t }", seconds = 20 },
  { "config_escapes", "", [[do return a.base:with_config { ["a\27[31m\n\0"] = 1 } end]], code = 0 },
  { "gather_far", "", "local t = {} for i = 1, 1e8 do t[i] = 0 end a.base:map(function(v) return v:gather(t) end)" },
  { "gsub_recursive", "C stack overflow", [[local function f(s) return (s:gsub(".", f)) end f("a")]] },
  { "map_itself", "stack overflow", "local f f = function() return a.base:map(f) end a.base:map(f)", seconds = 20 },
  { "matrices_chained", "more than", "do return a.base:map(function(t) for i = 1, 1e4 do t = t + 0 * svd(t) end return t end) end", seconds = 20 },
  { "minimise_nested", "minimise cannot be called within a loss", [[local function f(v) return minimise { start = v, steps = 3, rate = 1, loss = function(w) return f(w):total() end } end
  a.base:map(f)]] },
  { "name_nul", "holds no NUL", [[do return a.base:rename("w.weight", "a\0b") end]] },
  { "name_nul_made", "is no name", [[do return a.base:rename(function(n) return n .. "\0b" end) end]] },
  { "name_nul_pattern", "holds no NUL", [[do return a.base:only("w*\0b") end]] },
  { "name_long", "at most 4096 bytes", [[do return a.base:rename("w.weight", ("n"):rep(5000)) end]] },
  { "name_no_utf8", "is no name for a tensor", [[do return a.base:rename("w.weight", "a\xff") end]] },
  { "result_path", "a result's name is a word", [[do return a.base, { ["../x"] = a.base } end]] },
  { "shape_overflow", "overflows", "zeros { 2^62, 4 }" },
  { "show_escapes", "takes a short text", [[a.base:norm():show("\27[31m\r")]] },
  { "sort_emptied", "invalid order function", "local t = { 1, 2, 3, 4, 5, 6 } table.sort(t, function() for i = 1, 6 do t[i] = nil end return true end)" },
  { "name_glob", "no tensor is called", [[a.base:only("nothing*")]] },
  { "number_that_is_none", "not finite", "do return a.base * (0 / 0) end" },
  { "pairs_unordered_keys", "a function as a key has no order", "for k in pairs({ [function() end] = 1 }) do print(k) end" },
  { "pattern_backtracking", "too long", [[string.find(string.rep("a", 1e5), string.rep(".-", 20) .. "b")]] },
  { "pattern_balance", "too long", [[string.find(string.rep("(", 1e6), "%b()%b()%b()" .. ".-b") string.find(string.rep("(", 1e6), ".-%b().-%b()x")]] },
  { "pattern_frontier", "too long", [[string.find(string.rep("a", 1e6), ".-.-%f[b]b")]] },
  { "pattern_optional", "too complex", [[local n = 3000 string.find(string.rep("a", n), string.rep("a?", n) .. string.rep("a", n))]] },
  { "pattern_p", "knows no", [[string.format("%p", {})]] },
  { "print_escapes", "", [[print("\27[2J\27]0;owned\7\r\194\155 31m \226\128\174 end")]], code = 0 },
  { "print_flood", "says too much", [[while true do print("flood") end]] },
  { "print_streams", "io", [[io.stdout:write("past the wire")]] },
  { "print_wide", "says too much", [[for _ = 1, 10 do print(string.rep("x", 1e5)) end]] },
  { "random", "a recipe has no chance of its own", "math.random()" },
  { "recursion", "stack overflow", "local function f(n) return 1 + f(n + 1) end f(1)" },
  { "rep_bomb", "more than 1 MB", [[local s = string.rep("x", 1e9)]] },
  { "rep_method", "more than 1 MB", [[local s = ("x"):rep(1e9)]] },
  { "rep_method_huge", "more than 1 MB", [[local s = ("x"):rep(1e15)]] },
  { "rep_overflow", "more than 1 MB", [[string.rep("x", math.maxinteger)]] },
  { "require_path", "letters, digits", [[require "../secret"]] },
  { "return_nothing", "returns nil, not a model", "do return nil end" },
  { "select_huge", "too long", "for i = 1, 1e12 do select(i, 1) end" },
  { "sort_endless_comparator", "too long", "local t = {} for i = 1, 1e5 do t[i] = i end table.sort(t, function() while true do end end)" },
  { "sort_invalid_order", "invalid order function", "local t = {} for i = 1, 1000 do t[i] = i % 7 end table.sort(t, function() return true end)" },
  { "string_as_model", "returns a string", [[do return "x" end]] },
  { "table_bomb", "memory", "local t = {} for i = 1, math.huge do t[i] = {} end", seconds = 20 },
  { "table_insert_library", "cannot be changed", "table.insert(math, 1)" },
  { "table_insert_model", "cannot be changed", "table.insert(a.base, 1, 2)" },
  { "table_insert_seed", "cannot be changed", "table.insert(a, 1)" },
  { "table_move_huge", "too long", "table.move({}, 1, 1e12, 2)" },
  { "table_move_into_list", "cannot be changed", "table.move({ 1, 2 }, 1, 2, 1, models { a.base })" },
  { "table_remove_list", "cannot be changed", "table.remove(models { a.base })" },
  { "table_sort_arguments", "table.sort changes a table", "table.sort(arg)" },
  { "table_sort_list", "table.sort changes a table", "table.sort(models { a.base })" },
  { "undefined_name", "did you mean", "local x = men(a.base)" },
  { "unpack_huge", "too many results", "table.unpack({}, 1, 1e8)" },
}

whole {
  { "words_default", "", [[
return recipe { "Words are a list.", arg.model("base", "a model"), arg.words("some", { "one", "two" }, "words"), function(a)
  assert(#a.some == 2 and a.some[1] == "one" and a.some[2] == "two")
  return a.base
end }]], code = 0 },
}

-- ---- what learns ----

settings {
  { "learn_data_forged", "'data' is what arg.calibration() gives", "data = { 1, 2 }" },
  { "learn_no_data", "--data FILE... is needed", "", code = 64, data = false },
  { "learn_no_data_no_steps", "", "steps = 0", code = 0, data = false },
  { "learn_optimizer", "'adamw' or 'mofo'", [[optimizer = "sgd"]] },
  { "learn_rate_nan", "'rate' = nan is outside", "rate = 0/0" },
  { "learn_rate_negative", "'rate' = -1 is outside", "rate = -1" },
  { "learn_start_changed", "as columns, tensors or scalars made them", "start = m:columns(0.5):tanh()" },
  { "learn_start_infinite", "start at a plain number", "start = m:columns(math.huge)" },
  { "learn_start_model", "'start' is coefficients", "start = a.base" },
  { "learn_steps_huge", "'steps' is a whole number from 0 to 1000000", "steps = 1e9" },
  { "learn_steps_infinite", "'steps' is a whole number", "steps = math.huge" },
  { "learn_unknown", "learn has no 'stepz' -- did you mean 'steps'?", "stepz = 1" },
  { "learn_well", "", "", code = 0 },
  { "learn_windows_huge", "'windows' is a whole number from 1 to 1024", "windows = 2^40" },
  { "learn_windows_none", "'windows' is a whole number", "windows = 0" },
}

learning {
  { "learn_batch_of_another", "batches of another learn", [[
local kept
  learn { start = m:columns(0.5), data = a.data, steps = 1, windows = 1, loss = function(c, batch) kept = batch return plain(c, batch) end }
  return sum(learn { start = m:columns(0.5), data = a.data, steps = 1, windows = 2, loss = function(c) return plain(c, kept) end } * m)]] },
  { "learn_change_coefficients", "cannot be changed", "local c = m:columns(0.5) c[1] = 2 return a.base" },
  { "learn_divide_model", "coefficients multiply a model", "return sum(m / m:columns(0.5))" },
  { "learn_later", "as columns, tensors or scalars made them", [[
local c = learn { start = m:columns(0.5), data = a.data, steps = 1, loss = plain }
  return sum(learn { start = c, data = a.data, steps = 1, loss = plain } * m)]] },
  { "learn_many", "at most 64 learn{...}, not of 100", "local c = 0 for i = 1, 100 do c = c + learn { start = m:columns(0.5), data = a.data, steps = 3, loss = plain } end return sum(c / 100 * m)" },
  { "learn_never", "", "return sum(m:columns(0.5) * m)", code = 0 },
  { "learn_often", "", "local c for i = 1, 100 do c = learn { start = m:columns(0.5), data = a.data, steps = 3, loss = plain } end return sum(c * m)", code = 0 },
  { "learn_result_activation", "activations, which only learn computes", [[
local kept
  local function loss(c, batch) kept = logits(a.base, batch[1], tiny):total() return plain(c, batch) end
  return sum(learn { start = m:columns(0.5), data = a.data, steps = 1, loss = loss } * m) * kept]] },
  { "learn_scope_no_config", "no config.json", [[return sum(m:columns(0.5, { scope = { "linear" } }) * m)]], code = 69 },
  { "learn_scope_unknown", "'linear', 'norm', 'embedding', not 'all'", [[return sum(m:columns(0.5, { scope = { "all" } }) * m)]] },
  { "learn_unlearned", "as they were before learn", "local c = m:columns(0.5) learn { start = c, data = a.data, steps = 1, loss = plain } return sum(c * m)" },
}

losses {
  { "learn_logits_no_config", "no config.json", "function(c, batch) return entropy(logits(sum(c * m), batch[1])) end", code = 69 },
  { "learn_loss_graph_bomb", "too long", "function(c, batch) local x = plain(c, batch) for i = 1, 1e9 do x = x + x * i end return x end" },
  { "learn_loss_independent", "does not depend on the coefficients", "function(c, batch) return cross_entropy(logits(a.base, batch[1], tiny), batch[1]) end" },
  { "learn_loss_loops", "too long", "function(c, batch) while true do end end" },
  { "learn_loss_nothing", "loss gives nil", "function() end" },
  { "learn_loss_number", "loss is the number 3", "function() return 3 end" },
  { "learn_loss_of_model", "what linear takes is a tensor", "function(c, batch) return linear(a.base, a.base) end" },
  { "learn_loss_tensor", "loss is one number, not a tensor [", "function(c, batch) return logits(sum(c * m), batch[1], tiny) end" },
  { "learn_nested", "within a loss", "function(c, batch) learn { start = m:columns(0.5), data = a.data, steps = 3, loss = plain } return plain(c, batch) end" },
}

networks {
  { "learn_net_eps", "eps is a number", "rms_norm(e, w, 1/0)" },
  { "learn_net_forward_gives_model", "not the logits of its batch", "logits(a.base, batch[1], function() return a.base end)" },
  { "learn_net_forward_lacks", "needs tensor 'none'", [[logits(a.base, batch[1], function(w) return w "none" end)]] },
  { "learn_net_forward_recurses", "stack overflow", "logits(a.base, batch[1], function(w, b) local function f() return 1 + f() end return f() end)" },
  { "learn_net_heads", "'heads' is a whole number", "attention(e, e, e, { heads = 0 })" },
  { "learn_net_heads_huge", "'attention'", "attention(e, e, e, { heads = 65535 })" },
  { "learn_net_norm_shape", "needs a tensor of 1 dimensions here, not of 2", "rms_norm(e, w, 1e-6)" },
  { "learn_net_rope", "frequencies", "rope(e, {})" },
  { "learn_net_rope_nan", "a frequency is a number", "rope(e, { 0/0 })" },
  { "learn_net_rope_width", "'rope'", "rope(e, { 1, 2, 3 })" },
  { "learn_net_table_of_batch", "a batch is needed here", "embedding(w, w)" },
  { "learn_net_temperature", "temperature is above 0", "kl(e, e, { temperature = 0 })" },
  { "learn_net_temperature_nan", "temperature is a number", "kl(e, e, { temperature = 0/0 })" },
  { "learn_net_tokens_as_numbers", "arithmetic on a batch", "batch[1] + 1" },
  { "learn_net_window_huge", "'window' is a whole number", "attention(e, e, e, { heads = 1, window = 2^60 })" },
}
