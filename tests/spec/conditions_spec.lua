--- Conditions that can only be true are found in a recipe's text when it loads; what is right is left alone.
package.path = "tests/spec/?.lua;" .. package.path
local mock = require "mock_core"
local _, core = mock.prelude { { tensors = { w = { 1 } } } }
local conditions = core.module("conditions")

--- "LINE keyword:word" of every finding.
local function found(text)
  assert(load(text), text)
  local findings = {}
  for i, finding in ipairs((conditions.read(text))) do
    findings[i] = finding.line .. " " .. finding.text:match("^'(%S+)'") .. " " .. finding.word
  end
  return table.concat(findings, ", ")
end

describe("a condition on what the merge will know is found", function()
  local cases = {
    ["if x:gt(y) then end"] = "1 if gt", ["if a.t > 0 then elseif x:norm() then end"] = "1 elseif norm", ["while x:norm():gt(1e-6) do end"] = "1 while gt",
    ["repeat local m = x:lt(y) until m"] = "1 until lt", ["local w = x:norm():gt(1) and 1 or 0"] = "1 and gt", ["local w = not x:eq(y)"] = "1 not eq",
    ["local w = x:ne(y) or x"] = "1 or ne", ["local w = a.w or x:ne(y) or x"] = "1 or ne", ["if (x:gt(y)) then end"] = "1 if gt", ["if a.t and x:gt(y) then end"] = "1 if gt",
    ["if a.t or (b and x:ge(y)) then end"] = "1 if ge", ["if x:gt(y) & y:gt(x) then end"] = "1 if gt", ["if ~x:gt(y) then end"] = "1 if gt", ["if -x:dot(y) then end"] = "1 if dot",
    ["if x:mean() - 1 then end"] = "1 if mean", ["if l:gt(0)[1] then end"] = "1 if gt", ["local m = x:gt(y)\nif m then end"] = "2 if gt", ["local m <const> = x:gt(y)\nreturn m and 1"] = "2 and gt",
    ["local m = x:gt(y)\nlocal function f() return not m end"] = "2 not gt", ["local m, n = 1, x:gt(y)\nif n then end"] = "2 if gt", ["assert(x:gt(y), 'no')"] = "1 assert gt",
    ["if x:abs() == 0 then end"] = "1 == abs", ["local m = (x - y):abs() - 1 == 0"] = "1 == abs", ["return x:T() ~= nil or x:sigmoid() ~= 1"] = "1 ~= sigmoid",
    ["if x:norm() == 0 then end"] = "1 == norm", ["return 0 ~= x:peak()"] = "1 ~= peak", ["local n = x:norm()\nreturn n == 0"] = "2 == norm",
    ["return f { function() if x\n:le(y) then end end }"] = "2 if le",
    ["local t = { [x:lt(y) and 1] = 2 }"] = "1 and lt", ["f(x:quantile(0.5) and 1)"] = "1 and quantile",
    ["x.a[x:total() and 1].b = 2"] = "1 and total", ["for i = 1, x:cosine(y) and 2 do end"] = "1 and cosine",
    ["goto on\n::on:: local s = [[\n]] if x:kth_magnitude(3) then end"] = "3 if kth_magnitude", ["-- [[\nif x:gt(y) then end"] = "2 if gt", ["--[==[ ]]\n]==] if x:gt(y) then end"] = "2 if gt",
    ["local s = 'it\\'s' if x:gt(y) then end"] = "1 if gt", ["local s = \"a\\\nb\" if x:gt(y) then end"] = "2 if gt", ["local n = 0x1p-4 + .5e+3 - 1 // 2 if x:gt(y) then end"] = "1 if gt",
    ["local function f(m, ...) return ... end if x:gt(y) then end"] = "1 if gt", ["function t.a:b() return self end if x:gt(y) then end"] = "1 if gt",
    ["#!/usr/bin/env moonweld\nif x:gt(y) then end"] = "2 if gt",
    ["local n = x:norm() if not n then end"] = "1 not norm", ["local c = x:cosine(y)\nreturn c and x or y"] = "2 and cosine", ["local c <const> = x:dot(y)\nwhile c do end"] = "2 while dot",
    ["if x:gt(y) then return end\nif y:lt(x) then return end"] = "1 if gt, 2 if lt",
  }
  for text, expected in pairs(cases) do
    it(text, function() assert.equal(expected, found((text:gsub("^#![^\n]*", "--")))) end)
  end
end)

describe("what is right is left alone", function()
  for _, text in ipairs { "if a.lambda or #l == 2 then end", "local best, most if not best or score > most then best = x end", "if names:has('w') then end", "if not m:has('w') and y then end",
    "local z = a.random and m:keep(m:gt(0)) or m:gt(1)", "local z = a.w or a.elect and x:gt(y) or x:lt(y)",
    "local z = (a.elect and x:gt(y) or y):norm()", "where(x:gt(y), x, y)", "print(x:norm() ^ 2)",
    "local s = 'if x:gt(y) then' -- if x:gt(y) then", "local s = [[ if x:gt(y) then ]] --[[ if x:gt(y)\nthen ]]", "local n = x:norm() if n == nil then end", "local n n = x:norm() if not n then end",
    "local n = x:norm() if a.t then n = nil end if not n then end", "local function f(n) if n then end end f(x:norm())",
    "local n = x:norm() n = n or 3", "local m = x:gt(y) m = nil if m then end", "local m = x:gt(y) local function f(m) return m and 1 end", "local m = x:gt(y) do local m = a.q if m then end end",
    "for m in pairs(l) do if m then end end local m = x:gt(y)", "if type(x:norm()) == 'number' then end",
    "if #l:norm() == 2 then end", "return tostring(x:norm()) == 'tensor'", "if a.weight:gt(0)[1] == 1 then end",
    "if x:norm().shape then end", "if x:gt(y):find 'a' then end", "local stats = {} function stats:mean() return 1 end if stats:mean() == 1 then end",
    "local o = { eq = function() return true end } if o:eq(1) then end",
    "if x:abs() == nil then end", "if m:depth() == 4 and #m:names() == 3 then end", "t.abs = f if t:abs() == 0 then end",
    "t.norm = f if t:norm() == 0 then end", "local function assert(v) return v end assert(x:gt(y))",
    "if x:gt(y) < 1 then end", "if f(x:gt(y)) then end", "local t = { x:gt(y); x:norm() } if t[1] then end",
    "return x:norm() .. '' == ''", "local x <close> = nil if x then end", "goto a ::a:: if a then end", "f 'x' { } [[y]] : z ()", "local a = -2 ^ -3 .. 'x' == '' or ...", "return", "",
    "if x then elseif y then else end repeat until z while w do break end for i = 1, 2, 3 do end", "a.b, c[1] = function(...) return ... end, {...}" } do
    it(text, function() assert.equal("", found(text)) end)
  end
  it("so all recipes and forward passes load", function()
    local count = 0
    for _, folder in ipairs { "recipes", "lua/moonweld/arch", "lua/moonweld", "tests/golden", "tests/spec", "tests/peers" } do
      for path in io.popen("ls " .. folder .. "/*.lua"):lines() do
        local file = assert(io.open(path))
        assert.equal("", found(file:read "a"), path)
        file:close()
        count = count + 1
      end
    end
    assert(count > 40, count)
  end)
end)

describe("a comparison of two values", function()
  local function says(text)
    local prelude = mock.prelude { { tensors = { w = { 1 } } } }
    local ok, err = pcall(prelude.evaluate, 'return recipe { "d", arg.model("x", "m"), function(a) local x = a.x\n' .. text .. "\nreturn x end }", "@t.lua", {}, { x = { 1 } })
    assert(not ok, text)
    return err.message
  end
  local form = "'%s' can only answer true or false here; use a:%s(b), which gives a mask, and where(mask, x, y)"
  for operator, word in pairs { ["<"] = "lt", ["<="] = "le", [">"] = "gt", [">="] = "ge", ["=="] = "eq", ["~="] = "ne" } do
    local one = form:format(operator, word)
    it("names " .. operator, function()
      assert.equal(one, says("if x " .. operator .. " 2 * x then end"))
      assert.equal(one, says("local m = models { x }\nlocal t = m[1]:norm()\nif t:abs()\n " .. operator .. "\n t:sqrt() then end"))
      if not word:find "[en][qe]" then assert.equal(one, says("local c = x:cosine(x) if c " .. operator .. " 0.5 then end")) end
    end)
  end
  it("names both where it cannot tell", function()
    assert.equal("'<' and '>' can only answer true or false here; use a:lt(b) or a:gt(b), which give masks", says "if x > 1 or x < 0 then end")
    assert.equal("'<' and '>' can only answer true or false here; use a:lt(b) or a:gt(b), which give masks", says "table.sort { x, 2 * x }")
  end)
  it("is refused when the text is read where it is plain to see", function()
    assert.equal("t.lua:2: 'if' always takes what ':gt' gives for true, since it is not known before the merge runs; where(mask, x, y) chooses by it", says "if x:gt(0) then end")
  end)
  it("functions of plain numbers say what they are of values", function()
    assert.equal("math.max takes plain numbers, not a model; use max{x, y} or x:atleast(v)", says "local _ = math.max(x:norm(), 3)")
    assert.equal("math.abs takes plain numbers, not a model; use x:abs()", says "local _ = math.abs(x)")
    assert.equal("math.floor takes plain numbers, not a lazy scalar; use x:floor()", says "x:map(function(t) return math.floor(t:norm()) end)")
  end)
end)
