--- Where tensors stand in the depth of their model, by the names of many architectures: what layers{0, 1} gives each of them.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"

local GRADIENT = 'return recipe { "A gradient.", arg.model("x", "m"), function(a) return a.x:abs() * layers{0, 1} end }'

--- Models of ones with these names, as files.
local function files(...)
  local paths = {}
  for i, names in ipairs { ... } do
    local tensors = {}
    for name in pairs(names) do tensors[name] = { 1 } end
    paths[i] = toy.write(tensors)
  end
  return table.unpack(paths)
end

local function holds(wanted, found)
  for name, number in pairs(wanted) do assert.equal(number, found[name] and found[name][1], name) end
end

local function stands(family, wanted)
  it(family, function() holds(wanted, toy.run(GRADIENT, { x = files(wanted) })) end)
end

describe("a model of one stack", function()
  stands("Llama", { ["model.embed_tokens.weight"] = 0, ["model.layers.0.mlp.up_proj.weight"] = 0, ["model.layers.1.self_attn.q_proj.weight"] = 0.5,
    ["model.layers.2.input_layernorm.weight"] = 1, ["model.norm.weight"] = 1, ["lm_head.weight"] = 1 })
  stands("GPT-2 as transformers writes it", { ["transformer.wte.weight"] = 0, ["transformer.wpe.weight"] = 0, ["transformer.h.0.ln_1.weight"] = 0,
    ["transformer.h.1.attn.c_attn.weight"] = 0.25, ["transformer.h.4.mlp.c_fc.bias"] = 1, ["transformer.ln_f.weight"] = 1 })
  stands("GPT-2 as it was published", { ["wte.weight"] = 0, ["h.0.ln_1.weight"] = 0, ["h.1.ln_1.weight"] = 0.5, ["h.2.ln_1.weight"] = 1, ["ln_f.weight"] = 1 })
  stands("GPT-NeoX", { ["gpt_neox.embed_in.weight"] = 0, ["gpt_neox.layers.0.attention.dense.weight"] = 0,
    ["gpt_neox.layers.1.attention.dense.weight"] = 1, ["gpt_neox.final_layer_norm.weight"] = 1, ["embed_out.weight"] = 1 })
  stands("BERT with a head that is a sequence", { ["bert.embeddings.LayerNorm.weight"] = 0, ["bert.encoder.layer.0.attention.self.query.weight"] = 0,
    ["bert.encoder.layer.1.output.dense.weight"] = 0.5, ["bert.encoder.layer.2.output.dense.weight"] = 1, ["bert.pooler.dense.weight"] = 1,
    ["classifier.0.weight"] = 1, ["classifier.3.weight"] = 1 })
  stands("Mixtral: an expert is no layer", { ["model.layers.0.block_sparse_moe.experts.0.w1.weight"] = 0,
    ["model.layers.0.block_sparse_moe.experts.7.w1.weight"] = 0, ["model.layers.1.block_sparse_moe.experts.7.w1.weight"] = 0.5,
    ["model.layers.2.block_sparse_moe.gate.weight"] = 1, ["model.norm.weight"] = 1 })
  stands("DBRX", { ["transformer.blocks.0.ffn.w"] = 0, ["transformer.blocks.2.ffn.w"] = 1,
    ["transformer.blocks.1.w"] = 0.5 })
  stands("one layer: the first value", { ["model.embed_tokens.weight"] = 0, ["model.layers.0.mlp.w"] = 0, ["model.norm.weight"] = 1 })
  stands("no layer at all", { ["embedding.weight"] = 0, ["0.weight"] = 1, ["2.weight"] = 1, ["linear.weight"] = 1 })
  stands("OPT", { ["model.decoder.embed_tokens.weight"] = 0, ["model.decoder.project_in.weight"] = 0, ["model.decoder.layers.0.fc1.weight"] = 0,
    ["model.decoder.layers.1.fc1.weight"] = 1, ["model.decoder.project_out.weight"] = 1 })
  stands("a ViT of timm", { cls_token = 0, reg_token = 0, pos_embed = 0, ["patch_embed.proj.weight"] = 0, ["norm_pre.weight"] = 0,
    ["blocks.0.attn.qkv.weight"] = 0, ["blocks.1.attn.qkv.weight"] = 0.5, ["blocks.2.mlp.fc1.weight"] = 1, ["norm.weight"] = 1, ["head.weight"] = 1 })
  stands("one tower of CLIP", { ["vision_model.embeddings.class_embedding"] = 0, ["vision_model.pre_layrnorm.weight"] = 0,
    ["vision_model.encoder.layers.0.mlp.fc1.weight"] = 0, ["vision_model.encoder.layers.1.mlp.fc1.weight"] = 1, ["vision_model.post_layernorm.weight"] = 1 })
  stands("a number that no integer holds", { ["model.layers.99999999999999999999.w"] = 1, ["model.layers.0.mlp.w"] = 0, ["model.layers.1.mlp.w"] = 1 })
end)

describe("a model of several stacks: each by its own length", function()
  stands("T5", { ["shared.weight"] = 0, ["encoder.embed_tokens.weight"] = 0, ["encoder.block.0.layer.0.SelfAttention.q.weight"] = 0,
    ["encoder.block.1.layer.1.DenseReluDense.wi.weight"] = 0.5, ["encoder.block.2.layer.1.DenseReluDense.wi.weight"] = 1,
    ["encoder.final_layer_norm.weight"] = 1, ["decoder.embed_tokens.weight"] = 0, ["decoder.block.0.layer.2.DenseReluDense.wo.weight"] = 0,
    ["decoder.block.1.layer.0.SelfAttention.q.weight"] = 0.25, ["decoder.block.4.layer.0.SelfAttention.q.weight"] = 1,
    ["decoder.final_layer_norm.weight"] = 1, ["lm_head.weight"] = 1 })
  stands("Whisper", { ["model.encoder.conv1.weight"] = 0, ["model.encoder.conv2.bias"] = 0, ["model.encoder.embed_positions.weight"] = 0,
    ["model.encoder.layers.0.fc1.weight"] = 0, ["model.encoder.layers.1.fc1.weight"] = 0.25, ["model.encoder.layers.4.fc1.weight"] = 1,
    ["model.encoder.layer_norm.weight"] = 1, ["model.decoder.embed_tokens.weight"] = 0, ["model.decoder.embed_positions.weight"] = 0,
    ["model.decoder.layers.0.fc1.weight"] = 0, ["model.decoder.layers.1.fc1.weight"] = 1, ["model.decoder.layer_norm.weight"] = 1, ["proj_out.weight"] = 1 })
  stands("BART", { ["model.shared.weight"] = 0, ["model.encoder.layernorm_embedding.weight"] = 0, ["model.encoder.layers.0.fc1.weight"] = 0,
    ["model.encoder.layers.1.fc1.weight"] = 1, ["model.decoder.layers.0.fc1.weight"] = 0, ["model.decoder.layers.2.fc1.weight"] = 1,
    ["model.decoder.layers.1.fc1.weight"] = 0.5 })
  stands("CLIP", { ["logit_scale"] = 1, ["text_model.embeddings.token_embedding.weight"] = 0, ["text_model.encoder.layers.0.mlp.fc1.weight"] = 0,
    ["text_model.encoder.layers.1.mlp.fc1.weight"] = 1, ["text_model.final_layer_norm.weight"] = 1, ["text_projection.weight"] = 1,
    ["vision_model.embeddings.class_embedding"] = 0, ["vision_model.pre_layrnorm.weight"] = 0, ["vision_model.encoder.layers.0.mlp.fc1.weight"] = 0,
    ["vision_model.encoder.layers.1.mlp.fc1.weight"] = 0.5, ["vision_model.encoder.layers.2.mlp.fc1.weight"] = 1, ["vision_model.post_layernorm.weight"] = 1 })
  stands("LLaVA", { ["model.vision_tower.vision_model.embeddings.patch_embedding.weight"] = 0,
    ["model.vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight"] = 0, ["model.vision_tower.vision_model.encoder.layers.2.mlp.fc1.weight"] = 1,
    ["model.vision_tower.vision_model.encoder.layers.1.mlp.fc1.weight"] = 0.5, ["model.multi_modal_projector.linear_1.weight"] = 1,
    ["model.language_model.embed_tokens.weight"] = 0, ["model.language_model.layers.0.mlp.up_proj.weight"] = 0,
    ["model.language_model.layers.1.mlp.up_proj.weight"] = 0.25, ["model.language_model.layers.4.mlp.up_proj.weight"] = 1, ["lm_head.weight"] = 1 })
  stands("Qwen2-VL: the merger's sequence is no stack", { ["visual.patch_embed.proj.weight"] = 0, ["visual.blocks.0.attn.qkv.weight"] = 0,
    ["visual.blocks.1.attn.qkv.weight"] = 1, ["visual.merger.mlp.0.weight"] = 1, ["visual.merger.mlp.2.weight"] = 1,
    ["model.layers.0.mlp.w"] = 0, ["model.layers.1.mlp.w"] = 0.5, ["model.layers.2.mlp.w"] = 1 })
  stands("ResNet: a stage is a stack", { ["conv1.weight"] = 0, ["bn1.weight"] = 0, ["layer1.0.conv1.weight"] = 0, ["layer1.1.bn1.weight"] = 1,
    ["layer4.0.conv1.weight"] = 0, ["layer4.1.conv2.weight"] = 0.5, ["layer4.2.conv2.weight"] = 1, ["fc.weight"] = 1 })
  stands("ConvNeXt of timm", { ["stem.0.weight"] = 0, ["stem.1.bias"] = 0, ["stages.0.blocks.0.norm.weight"] = 0, ["stages.1.blocks.0.norm.weight"] = 1,
    ["head.fc.weight"] = 1 })
  stands("Flux as it was published", { ["img_in.weight"] = 0, ["time_in.in_layer.weight"] = 0, ["double_blocks.0.img_attn.qkv.weight"] = 0,
    ["double_blocks.1.img_attn.qkv.weight"] = 1, ["single_blocks.0.linear1.weight"] = 0, ["single_blocks.1.linear1.weight"] = 1,
    ["final_layer.linear.weight"] = 1 })
  stands("Flux", { ["x_embedder.weight"] = 0, ["transformer_blocks.0.attn.to_q.weight"] = 0, ["transformer_blocks.1.attn.to_q.weight"] = 1,
    ["single_transformer_blocks.0.attn.to_q.weight"] = 0, ["single_transformer_blocks.1.attn.to_q.weight"] = 0.5,
    ["single_transformer_blocks.2.attn.to_q.weight"] = 1, ["proj_out.weight"] = 1 })
  stands("the UNet of Stable Diffusion in diffusers", { ["conv_in.weight"] = 0, ["time_embedding.linear_1.weight"] = 0,
    ["down_blocks.0.resnets.0.conv1.weight"] = 0, ["down_blocks.1.attentions.1.transformer_blocks.0.attn1.to_q.weight"] = 0.5,
    ["down_blocks.2.resnets.1.conv1.weight"] = 1, ["mid_block.resnets.0.conv1.weight"] = 0, ["mid_block.resnets.1.conv1.weight"] = 1,
    ["mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight"] = 0, ["up_blocks.0.resnets.0.conv1.weight"] = 0,
    ["up_blocks.1.resnets.2.conv1.weight"] = 1, ["conv_norm_out.weight"] = 1, ["conv_out.weight"] = 1 })
  stands("sentence-transformers: a module's own number is no layer", { ["0.auto_model.embeddings.word_embeddings.weight"] = 0,
    ["0.auto_model.encoder.layer.0.output.dense.weight"] = 0, ["0.auto_model.encoder.layer.1.output.dense.weight"] = 1, ["2.linear.weight"] = 1 })
end)

describe("the depth of a stack", function()
  it("is that of the model which is computed with, of a part that of the whole, whatever others have", function()
    local short = { ["model.layers.0.mlp.w"] = 0, ["model.layers.1.mlp.w"] = 1 }
    local long = { ["model.layers.0.mlp.w"] = 0, ["model.layers.1.mlp.w"] = 0.5, ["model.layers.2.mlp.w"] = 1 }
    local x, y = files(short, long)
    holds(short, toy.run([[return recipe { "One of two.", arg.model("x", "m"), arg.model("y", "m"),
      function(a) return a.x:abs() * layers{0, 1} + 0 * a.y:only("*.0.*"):with(a.x, {add = true}) end }]], { x = x, y = y }))
    holds(long, toy.run([[return recipe { "A part of one.", arg.model("x", "m"), arg.model("y", "m"), function(a)
      return (a.y:only("*.1.*"):abs() * layers{0, 1}):with(a.y:except("*.1.*"):abs() * layers{0, 1}) end }]], { x = x, y = y }))
  end)
  it("is its own for every model of a recipe that stacks", function()
    local names = { ["model.layers.0.mlp.w"] = 0, ["model.layers.1.mlp.w"] = 1 }
    for _, gradient in ipairs { "layers{0, 1}", 'setting{of = "t", {0, 1}}' } do
      local found = toy.run(([[return recipe { "After a stack.", arg.model("x", "m"), function(a)
        local deep = stack{a.x, a.x} * GRADIENT
        return a.x:abs() * GRADIENT + 0 * deep:layers(0, 2) end }]]):gsub("GRADIENT", gradient), { x = files(names) })
      holds(names, found)
    end
  end)
  it("counts the layers that a renaming makes", function()
    local found = toy.run([[return recipe { "Twice as deep.", arg.model("x", "m"), function(a)
      local upper = a.x:rename("*.layers.1.*", "*.layers.3.*"):rename("*.layers.0.*", "*.layers.2.*")
      return a.x:with(upper, {add = true}):abs() * layers{0, 3}
    end }]], { x = files { ["model.layers.0.mlp.w"] = 0, ["model.layers.1.mlp.w"] = 0 } })
    for layer = 0, 3 do assert.equal(layer, found[("model.layers.%d.mlp.w"):format(layer)][1]) end
  end)
end)
