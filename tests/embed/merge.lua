-- merge.lua: a program of somebody who uses the module: lua merge.lua A B OUT.
local mw = require "moonweld"
local a, b, out = table.unpack(arg)
local models = { a = a, b = b, t = 0.3 }

local plan, warnings = mw.plan("slerp", models)
for _, line in ipairs(warnings) do print("warning: " .. line) end
print(("%d tensors in %d passes, %d bytes to read"):format(plan.tensors, plan.passes, plan.bytes_read))

local told = 0
mw.merge("slerp", models, { output = out, progress = function(done) told = done end })
assert(told > 0)

local furthest = { relative_delta = 0 }
for _, row in ipairs((mw.diff(a, out))) do
  if row.relative_delta and row.relative_delta > furthest.relative_delta then furthest = row end
end
print(("furthest from %s: %s"):format(a, furthest.tensor))

local ok, message = pcall(mw.merge, "slerp", models, { output = out, dtpye = "f32" })
assert(not ok and message:find "did you mean 'dtype'", message)
