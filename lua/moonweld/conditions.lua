--- conditions.lua: reads a recipe's text for conditions that can only be true. What a reduction or a comparison of the language
-- gives is not known before the merge runs; for Lua it is a value like any other, and true, so that
--   if x:gt(y) then ... end        x:norm():gt(1) and 1 or 0        while step:norm():gt(1e-6) do ... end
-- merge something else than they say. This is a reader of Lua's grammar (manual of 5.4, section 9), for texts that compile: it
-- follows every expression far enough to see whether it is such a value, and reports it where a truth is asked of it. What it
-- cannot see (an argument, a table's field, a variable that is assigned twice) it takes for right.
local core = ...
local V, lexer = core.module("value"), core.module("lexer")
local C = {}

-- What an expression is, as far as it matters: nil, or { kind = "mask" or "number", word =, line =, variable = }, or
-- { kind = "and" or "or", left =, right = }, or { kind = "nil" }.
local precedence = { ["or"] = { 1, 1 }, ["and"] = { 2, 2 }, ["<"] = { 3, 3 }, [">"] = { 3, 3 }, ["<="] = { 3, 3 }, [">="] = { 3, 3 }, ["~="] = { 3, 3 },
  ["=="] = { 3, 3 }, ["|"] = { 4, 4 }, ["~"] = { 5, 5 }, ["&"] = { 6, 6 }, ["<<"] = { 7, 7 }, [">>"] = { 7, 7 }, [".."] = { 9, 8 }, ["+"] = { 10, 10 },
  ["-"] = { 10, 10 }, ["*"] = { 11, 11 }, ["/"] = { 11, 11 }, ["//"] = { 11, 11 }, ["%"] = { 11, 11 }, ["^"] = { 14, 13 } }
local UNARY = 12
local compares = { ["<"] = true, [">"] = true, ["<="] = true, [">="] = true, ["=="] = true, ["~="] = true }
local remedies = { ["and"] = "where(mask, x, y) chooses, m & n joins masks", ["or"] = "where(mask, x, y) chooses, m | n joins masks",
  ["not"] = "~mask is its contrary" }

local function is_lazy(e) return e and (e.kind == "mask" or e.kind == "number") end
--- A tensor is no condition that anybody would write; but x:abs() == 0 is false for Lua whatever x holds.
local function is_value(e) return is_lazy(e) or e and e.kind == "value" end
local function gives_value(word)
  local form = core.module("word").written[word]
  return form and form:find("^x:") ~= nil
end

--- The findings { line =, text = } of a text, and what is written on each of its lines: comparisons, and fields and methods by their
--- dot: { [line] = { ["<"] = true, [".norm"] = true } }.
function C.read(text)
  local kinds, texts, lines = lexer.tokens(text)
  local at = 1 -- the token that comes next
  local findings, written, own, scopes = {}, {}, {}, {}
  local expression, block

  local function peek() return kinds[at] end
  --- The next token's text; it stands on line `lines[at - 1]` then.
  local function take()
    at = at + 1
    return texts[at - 1]
  end
  local function skip(kind)
    if peek() == kind then return (take()) end
  end

  local function declare(name, value) scopes[#scopes][name] = { value = value } end
  local function variable(name)
    for i = #scopes, 1, -1 do if scopes[i][name] then return scopes[i][name] end end
  end

  local function note(what, line)
    written[line] = written[line] or {}
    written[line][what] = true
  end

  local function report(e, line, form, ...)
    findings[#findings + 1] = { word = e.word, variable = e.variable, line = line, text = string.format(form, ...) }
  end

  --- `keyword` asks whether the expression is true. Each is asked once.
  local function ask(e, keyword)
    while e and not e.asked and (e.kind == "and" or e.kind == "or") do
      e.asked = true
      ask(e.right, keyword)
      e = e.left
    end
    if not e or e.asked then return end
    e.asked = true
    if is_lazy(e) then -- a variable that holds one from the start, and nothing else later, is never nil
      report(e, e.line, "'%s' always takes what ':%s' gives for true, since it is not known before the merge runs; %s", keyword, e.word,
        remedies[keyword] or "where(mask, x, y) chooses by it")
    end
  end

  --- What `or` asks for being true: of `a or b`, b; nothing of `c and x`, since `c and x or y` is how Lua chooses x by c.
  local function asked_by_or(e)
    if e and e.kind == "or" then e = e.right end
    return e and e.kind ~= "and" and e or nil
  end

  --- What a binary operator makes of its operands.
  local function combine(operator, left, right, line)
    if operator == "and" then
      ask(left, "and")
      return { kind = "and", left = left, right = right }
    end
    if operator == "or" then
      ask(asked_by_or(left), "or")
      return { kind = "or", left = left, right = right }
    end
    local e = is_value(left) and left or is_value(right) and right or nil
    if compares[operator] then
      note(operator, line)
      note(operator, lines[at - 1])
      local equal = operator == "==" or operator == "~="
      local other = e == left and right or left
      -- Two values are compared where the recipe runs (value.lua): a number beside one is not.
      local seen = e and (e.kind ~= "value" or other and other.kind == "literal")
      if seen and equal and not e.item and not (other and other.kind == "nil") then
        report(e, line, "'%s' is always %s of what ':%s' gives, since it is not known before the merge runs; use x:%s(y), which gives a mask", operator,
          operator == "==" and "false" or "true", e.word, operator == "==" and "eq" or "ne")
      end
      return nil
    end
    if not e or operator == ".." then return nil end
    if e.kind == "value" then return { kind = "value", word = e.word, line = e.line } end
    local mask = operator == "&" or operator == "|" or operator == "~"
    return { kind = mask and "mask" or "number", word = e.word, line = e.line, variable = e.variable }
  end

  local function names_until(close)
    local names = {}
    while peek() ~= close do
      if peek() == "name" then names[#names + 1] = texts[at] end
      take()
    end
    take()
    return names
  end

  local function inner_block(names)
    scopes[#scopes + 1] = {}
    for _, name in ipairs(names or {}) do declare(name) end
    block()
    scopes[#scopes] = nil
  end

  local function body()
    take() -- (
    inner_block(names_until(")"))
    take() -- end
  end

  local function expressions()
    local list = { [1] = expression() or false }
    while skip(",") do list[#list + 1] = expression() or false end
    return list
  end

  local function constructor()
    take()
    while not skip("}") do
      if skip("[") then
        expression()
        take() -- ]
        take() -- =
      elseif peek() == "name" and kinds[at + 1] == "=" then
        local value = kinds[at + 2]
        own[take()] = value == "function" or value == "name" or nil
        take()
      end
      expression()
      if peek() ~= "}" then take() end
    end
  end

  --- Arguments of a call: what the first one is.
  local function arguments()
    if peek() == "{" then return (constructor()) end
    if not skip("(") then return take() and nil end -- a string
    local first = peek() ~= ")" and expressions()[1] or nil
    take()
    return first
  end

  --- A variable, call or expression in parentheses with what follows it. Second: the name, where it is a name alone; third: the
  --- field's name that it ends with.
  local function suffixed()
    local e, name, field = nil, take(), nil
    if name == "(" then
      e, name = expression(), nil
      take()
    else
      local known = variable(name)
      if known and known.value then e = { kind = known.value.kind, word = known.value.word, line = lines[at - 1], variable = known } end
    end
    while true do
      local kind = peek()
      if kind == "." then
        take()
        e, name, field = nil, nil, take()
        note("." .. field, lines[at - 1])
      elseif kind == "[" then
        take()
        expression()
        take()
        e = is_lazy(e) and { kind = e.kind, word = e.word, line = e.line, variable = e.variable, item = true } or nil
        name, field = nil, nil
      elseif kind == ":" then
        take()
        local word, line = take(), lines[at - 1]
        note("." .. word, line)
        arguments()
        local kind_of = V.lazy[word] or gives_value(word) and "value" or nil
        e = kind_of and { kind = kind_of, word = word, line = line } or nil
        name, field = nil, nil
      elseif kind == "(" or kind == "{" or kind == "string" then
        local argument = arguments()
        if name == "assert" and not variable(name) then ask(argument or nil, "assert") end
        e, name, field = nil, nil, nil
      else return e, name, field end
    end
  end

  local literal = { string = true, ["true"] = true, ["false"] = true, ["..."] = true }
  local function simple()
    local kind = peek()
    if kind == "number" then return take() and { kind = "literal" } end
    if literal[kind] then return take() and nil end
    if kind == "nil" then return take() and { kind = "nil" } end
    if kind == "{" then return (constructor()) end
    if kind == "function" then
      take()
      return (body())
    end
    return (suffixed())
  end

  function expression(limit)
    local kind, line, e = peek(), lines[at], nil
    if kind == "not" or kind == "-" or kind == "#" or kind == "~" then
      take()
      local of = expression(UNARY)
      if kind == "not" then ask(of, "not")
      elseif kind ~= "#" and is_lazy(of) then e = { kind = of.kind, word = of.word, line = line, variable = of.variable } end
    else e = simple() end
    local rank = precedence[peek()]
    while rank and rank[1] > (limit or 0) do
      local operator, place = take(), lines[at - 1]
      e = combine(operator, e, expression(rank[2]), place)
      rank = precedence[peek()]
    end
    return e
  end

  local function local_statement()
    if skip("function") then
      declare(take())
      return (body())
    end
    local names = {}
    repeat
      names[#names + 1] = take()
      if skip("<") then
        take()
        take()
      end
    until not skip(",")
    local values = skip("=") and expressions() or {}
    for i, name in ipairs(names) do declare(name, is_lazy(values[i]) and not values[i].item and not values[i].variable and values[i] or nil) end
  end

  local function for_statement()
    local names = {}
    repeat names[#names + 1] = take() until not skip(",")
    take() -- = or in
    expressions()
    take() -- do
    inner_block(names)
    take()
  end

  --- A call, or an assignment to variables and fields.
  local function plain_statement()
    repeat
      local _, name, field = suffixed()
      if peek() == "=" or peek() == "," then
        local known = name and variable(name)
        if known then known.assigned = true end
        own[field or name or ""] = true
      end
    until not skip(",")
    if skip("=") then expressions() end
  end

  local statements = {
    ["do"] = function()
      inner_block()
      take()
    end,
    ["while"] = function()
      ask(expression(), "while")
      take()
      inner_block()
      take()
    end,
    ["repeat"] = function()
      scopes[#scopes + 1] = {}
      block()
      take()
      ask(expression(), "until") -- sees the block's variables
      scopes[#scopes] = nil
    end,
    ["if"] = function(keyword)
      repeat
        ask(expression(), keyword)
        take() -- then
        inner_block()
        keyword = take()
      until keyword ~= "elseif"
      if keyword == "else" then
        inner_block()
        take()
      end
    end,
    ["for"] = for_statement,
    ["function"] = function()
      local last
      while peek() ~= "(" do last = take() end
      own[last] = true
      body()
    end,
    ["local"] = local_statement,
    ["return"] = function()
      local kind = peek()
      if kind ~= "end" and kind ~= "else" and kind ~= "elseif" and kind ~= "until" and kind ~= ";" and kind ~= "end of text" then expressions() end
    end,
    ["goto"] = take, ["break"] = function() end, [";"] = function() end,
    ["::"] = function() take() take() end,
  }
  local ends = { ["end"] = true, ["else"] = true, ["elseif"] = true, ["until"] = true, ["end of text"] = true }

  function block()
    while not ends[peek()] do
      local statement = statements[peek()]
      if statement then statement(take()) else plain_statement() end
    end
  end

  inner_block()
  local real = {}
  for _, finding in ipairs(findings) do
    if not own[finding.word] and not (finding.variable and finding.variable.assigned) then real[#real + 1] = finding end
  end
  table.sort(real, function(a, b) return a.line < b.line end)
  return real, written
end

return C
