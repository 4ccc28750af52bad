--- elementwise.lua: the lines of src/base/elementwise.def for Lua: { name =, kind =, written =, meaning =, expression = } each.
return function()
  local list = {}
  for line in io.lines "src/base/elementwise.def" do
    local name, kind, written, meaning, expression = line:match '^MW_ELEMENTWISE%((%u+), (%u+), %d, "(.-)", "(.-)", (.*)%)$'
    if name then list[#list + 1] = { name = name:lower(), kind = kind, written = written, meaning = meaning, expression = expression } end
  end
  return list
end
