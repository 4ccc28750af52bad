--- part.lua: the parts of a model that has several, as of a model that reads images, or of an encoder and a decoder. For example, of
-- a model with "vision_tower.layers.0.fc1.weight", "multi_modal_projector.linear.weight" and "language_model.norm.weight",
-- m:part("vision_tower") has the first tensor, m:part("multi_modal_projector") the second, and m:part("text_decoder") the third.
local core = ...
local V, W = core.module("value"), core.module("word")
local data, fail = V.data, V.fail

--- What a module is called, by the part that it is. A name belongs to the first module in it that is one of these.
local modules = {
  vision_tower = "vision_tower", vision_model = "vision_tower", visual = "vision_tower", audio_tower = "audio_tower",
  multi_modal_projector = "multi_modal_projector", mm_projector = "multi_modal_projector", embed_vision = "multi_modal_projector",
  embed_audio = "multi_modal_projector", encoder = "encoder", decoder = "decoder",
}
--- Modules within Qwen's `visual` that bring images to the width of the text.
local mergers = { merger = true, merger_list = true, deepstack_merger_list = true }
--- What mergekit calls the same part of other architectures.
local also = { vision_model = "vision_tower" }

--- The part that a tensor is of by its own name, nil of the rest.
local function own_part(name)
  local found
  for module in name:gmatch("[^.]+") do
    if found == "vision_tower" and mergers[module] then return "multi_modal_projector" end
    found = found or modules[module]
  end
  return found
end

--- The parts of a model: { part = { name, ... } }, and which there are, in byte order. All that no name claims is the text's decoder beside a
--- tower, and what encoder and decoder share beside these. A model without such parts has none.
local function parts_of(private)
  local parts, rest, order = {}, {}, {}
  for _, name in ipairs(V.all_names(private)) do
    local part = own_part(name)
    if part then parts[part] = parts[part] or {} end
    local list = part and parts[part] or rest
    list[#list + 1] = name
  end
  local name = (parts.vision_tower or parts.audio_tower) and "text_decoder" or parts.encoder and parts.decoder and "shared"
  if not name then return {}, {} end
  if #rest > 0 then parts[name] = rest end
  for part in pairs(parts) do order[#order + 1] = part end
  table.sort(order)
  return parts, order
end

W.word("model:part(name)", function(x, wanted)
  if type(wanted) ~= "string" then return (fail("a part is called by a text, such as \"text_decoder\", not %s", V.called(wanted))) end
  local private = data(x)
  local parts, order = parts_of(private)
  local list = parts[wanted] or parts[also[wanted]]
  if not list then
    return (fail("%s has no part '%s': %s", private.label or "this model", core.shown(wanted),
      #order > 0 and ("it has '%s'"):format(table.concat(order, "', '")) or "it has one alone, and is taken as it is"))
  end
  local nodes, kept, names = {}, {}, {}
  for _, name in ipairs(list) do
    if private.nodes[name] ~= nil then names[#names + 1], nodes[name] = name, private.nodes[name]
    else kept[name] = private.kept[name] end
  end
  return (V.model(names, nodes, private.label, { kept = kept, part_of = private.part_of or private, laid_out = private.laid_out,
    config = private.config, measured = private.measured }))
end)
W.of_members("part")
