--- json.lua: JSON, as much as the program writes. Objects and lists are tables with their keys in `order`; numbers and flags are texts as
-- they are spelt, null is nil.
local function parse(text)
  local at = 1
  local value
  local function skip() at = text:find("[^%s]", at) or #text + 1 end
  local function word()
    local from = at + 1
    at = from
    while text:sub(at, at) ~= '"' do at = at + (text:sub(at, at) == "\\" and 2 or 1) end
    at = at + 1
    return (text:sub(from, at - 2):gsub('\\(["\\/])', "%1"))
  end
  local function list(close, each)
    at = at + 1
    skip()
    while text:sub(at, at) ~= close do
      each()
      skip()
      if text:sub(at, at) == "," then at = at + 1 end
      skip()
    end
    at = at + 1
  end
  function value()
    skip()
    local c = text:sub(at, at)
    if c == '"' then return word() end
    if c == "[" or c == "{" then
      local result = { order = {} }
      list(c == "[" and "]" or "}", function()
        if c == "[" then result[#result + 1] = value() return end
        local key = word()
        at = text:find(":", at, true) + 1
        result[key], result.order[#result.order + 1] = value(), key
      end)
      return result
    end
    local found = text:match("^[^%s,%]}]+", at)
    at = at + #found
    if found == "null" then return nil end
    return found -- numbers and flags as they are written
  end
  return value()
end

return parse
