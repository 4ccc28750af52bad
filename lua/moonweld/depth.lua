--- depth.lua: where a tensor stands in the depth of its model, by its name: core.layer_of(name) gives the stack and the layer
-- (src/model/layer_name.h). Each stack has a depth of its own. A tensor of no layer stands at the beginning (embeddings) or at the end (final norms, heads).
local core = ...
local D = {}

local stacks, layers, rests = {}, {}, {} -- of every name that was asked for: stacks of many slices ask for each model's names again

--- The stack of a name, its layer and what it is called there; nothing for a tensor of no layer.
function D.layer_of(name)
  local stack = stacks[name]
  if stack == nil then
    stack, layers[name], rests[name] = core.layer_of(name)
    stacks[name] = stack or false
  end
  if stack then return stack, layers[name], rests[name] end
end

local depths -- of every stack: the greatest over all models at hand
local own_depths = setmetatable({}, { __mode = "k" }) -- the same of one model, by the list of its names

local function measure(names, found)
  for _, name in ipairs(names) do
    local stack, layer = D.layer_of(name)
    if stack then found[stack] = math.max(found[stack] or 0, layer + 1) end
  end
  return found
end

--- Names that models at hand have.
function D.see(names)
  if not depths then
    depths = {}
    for _, model in ipairs(core.models) do measure(model.names, depths) end
  end
  measure(names, depths)
end

--- Modules that read the input before the layers do: Whisper's conv1, CLIP's pre_layrnorm, BART's shared, timm's cls_token, OPT's
--- project_in, img_in of Flux.
local readers = {}
for name in ("conv1 bn1 conv2 conv_in conv_stem stem patch_conv pre_layrnorm pre_layernorm ln_pre norm_pre cls_token class_token dist_token " ..
  "reg_token register_tokens mask_token project_in input_proj input_projection shared img_in txt_in time_in vector_in guidance_in"):gmatch("%S+") do
  readers[name] = true
end

--- Whether a tensor of no layer stands before the layers: embeddings, and what reads the input.
local function is_before(name)
  if name:find("embed_out", 1, true) then return false end -- GPT-NeoX calls its head so
  if name:find("embed", 1, true) or name:find("wte", 1, true) or name:find("wpe", 1, true) then return true end
  for part in name:gmatch("[^.]+") do if readers[part] then return true end end
  return false
end
D.is_before = is_before

--- How many layers a stack has: in the model whose names are `measured`, which a part of a model has of the whole; else in the deepest
--- model that is at hand.
function D.layers(stack, measured)
  if measured and not own_depths[measured] then own_depths[measured] = measure(measured, {}) end
  if not depths then D.see {} end
  return measured and own_depths[measured][stack] or depths[stack] or 0
end

--- From 0, where the model begins, to 1: layer l of a stack of L stands at l / (L - 1), the layer of a stack of one at 0.
function D.of(name, measured)
  local stack, layer = D.layer_of(name)
  if not stack then return is_before(name) and 0 or 1 end
  local depth = D.layers(stack, measured)
  return depth > 1 and layer / (depth - 1) or 0
end

return D
