--- Chat models: which of the inputs gives template, end tokens and generation settings is said before the merge, and chosen.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local function tensors(fill) return { ["model.layers.0.w"] = { "F32", { 2 }, fill } } end
local config = '{"model_type": "toy", "eos_token_id": %d}'
M.model("base", tensors(1), config:format(1), { ["tokenizer_config.json"] = '{"eos_token": "</s>"}', ["generation_config.json"] = '{"eos_token_id": 1}' })
M.model("chat", tensors(3), config:format(1), {
  ["tokenizer_config.json"] = '{"eos_token": {"content": "<|im_end|>"}, "chat_template": "{{ messages }}"}',
  ["generation_config.json"] = '{"eos_token_id": [1, 7], "temperature": 0.6}', ["special.json"] = "{}" })
M.model("talk", tensors(5), config:format(1), { ["tokenizer_config.json"] = '{"eos_token": "</s>"}', ["chat_template.jinja"] = "{{ talk }}",
  ["generation_config.json"] = '{"eos_token_id": 1}' })

local function warned(command, ...)
  local _, said, out = M.made(command)
  for _, words in ipairs { ... } do assert(said:find(words, 1, true), words .. " is not said in: " .. said) end
  return out, said
end

describe("the donor's chat files", function()
  it("are told of where an expert has a template, end tokens or settings that they lack", function()
    local out = warned("moonweld task_arithmetic --base base --experts chat", "experts[1] has a chat template, which base lacks", "<|im_end|>",
      "[1, 7]", "temperature 0.6", "--donor 'experts[1]'", "--chat-template 'experts[1]' its template")
    assert.equal('{"eos_token": "</s>"}', M.bytes(out .. "/tokenizer_config.json"))
  end)

  it("are told of in a plan, too, and not where all models say the same", function()
    local code, said = M.run "moonweld plan task_arithmetic --base base --experts chat"
    assert.equal(0, code)
    assert.is_truthy(said:find("has a chat template", 1, true))
    local _, twin = warned("moonweld lerp --a chat --b chat")
    assert.is_nil(twin:find("warning: b has", 1, true), twin)
  end)

  it("are another model's by --donor, by its label or as it was typed; the tensors are merged as before", function()
    local plain = M.made "moonweld task_arithmetic --base base --experts chat --scale 0.5"
    for _, whom in ipairs { "'experts[1]'", "chat" } do
      local made, said, out = M.made("moonweld task_arithmetic --base base --experts chat --scale 0.5 --donor " .. whom)
      assert.same(plain, made)
      assert.is_truthy(said:find("donor: experts[1]", 1, true))
      assert.is_truthy(M.bytes(out .. "/tokenizer_config.json"):find("im_end", 1, true))
      assert.equal("{}", M.bytes(out .. "/special.json"))
    end
  end)

  it("are refused of a donor that is none of the inputs", function()
    M.refused("moonweld task_arithmetic --base base --experts chat --donor talk", "--donor 'talk' is none of the inputs", "experts[1]")
  end)
end)

describe("--chat-template", function()
  local function template_of(option)
    local _, _, out = M.made("moonweld task_arithmetic --base base --experts chat talk --chat-template " .. option)
    return M.bytes(out .. "/chat_template.jinja")
  end
  it("takes that of an input, of another folder, of a file, or of most inputs", function()
    assert.equal("{{ messages }}", template_of "'experts[1]'")
    assert.equal("{{ talk }}", template_of "talk")
    M.write("mine.jinja", "{{ mine }}")
    assert.equal("{{ mine }}", template_of "mine.jinja")
    assert.equal("{{ messages }}", template_of "auto")
    local _, _, out = M.made "moonweld soup --models chat talk talk --chat-template auto"
    assert.equal("{{ talk }}", M.bytes(out .. "/chat_template.jinja"))
  end)
  it("goes before that of the donor", function()
    local _, _, out = M.made "moonweld lerp --a talk --b chat --chat-template b"
    assert.equal("{{ messages }}", M.bytes(out .. "/chat_template.jinja"))
  end)
  it("is refused where there is none", function()
    M.refused("moonweld task_arithmetic --base base --experts chat --chat-template base", "--chat-template 'base': there is no chat template")
    M.refused("moonweld task_arithmetic --base base --experts chat --chat-template nowhere", "nowhere")
    for text, words in pairs { [""] = "the file is empty", ["a\0b"] = "found other bytes", ["\xff"] = "found other bytes" } do
      M.write("odd.jinja", text)
      M.refused("moonweld task_arithmetic --base base --experts chat --chat-template odd.jinja", words)
    end
  end)
end)

describe("what else makes a model answer, or read what it is given,", function()
  local function pair(base, chat)
    for folder, files in pairs { base2 = base, chat2 = chat } do
      os.execute("rm -rf '" .. M.folder .. "/" .. folder .. "'")
      M.model(folder, tensors(1), config:format(1), files)
    end
  end
  local merge = "moonweld task_arithmetic --base base2 --experts chat2"
  local whose = "the output has those of base"
  local cases = {
    { "chat_template.json", nil, '{"chat_template": "{{ x }}"}', "experts[1] has a chat template, which base lacks: " .. whose },
    { "special_tokens_map.json", '{"eos_token": "</s>"}', '{"eos_token": "<|im_end|>"}', 'other end tokens (eos_token "<|im_end|>"' },
    { "tokenizer_config.json", '{"pad_token": "<pad>", "padding_side": "left"}', '{"pad_token": "</s>", "padding_side": "right"}',
      "other settings of the tokenizer (pad_token \"</s>\", padding_side" },
    { "tokenizer_config.json", '{"add_bos_token": true}', '{"add_bos_token": false}', "add_bos_token false" },
    { "generation_config.json", "{}", '{"stop_strings": ["<|end|>"]}', 'other generation settings (stop_strings ["<|end|>"]' },
    { "generation_config.json", "{}", '{"suppress_tokens": [1], "forced_decoder_ids": [[1, 2]]}', "suppress_tokens [1], forced_decoder_ids" },
    { "preprocessor_config.json", '{"image_mean": [0.5]}', '{"image_mean": [0.48]}', "experts[1]: preprocessor_config.json: image_mean is [0.48] here and [0.5] in base; the output has base's" },
    { "preprocessor_config.json", '{"patch_size": 14}', '{"patch_size": 16}', "patch_size is 16 here and 14 in base; the output computes with base's" },
    { "processor_config.json", nil, '{"image_seq_length": 64}', "experts[1] has processor_config.json, which base lacks: the output has none" },
    { "config_sentence_transformers.json", '{"prompts": {"query": "q: "}, "__version__": "2"}', '{"prompts": {"query": ""}, "__version__": "3"}',
      'prompts.query is "" here and "q: " in base; the output' },
    { "sentence_bert_config.json", '{"max_seq_length": 128}', '{"max_seq_length": 512}', "max_seq_length is 512 here and 128 in base" },
    { "generation_config.json", '{"eos_token_id": 1,}', "{}", "base: generation_config.json: not JSON: expected a string at byte 19; the output has this file, which no loader will read" },
    { "generation_config.json", "{}", "<html></html>", "experts[1]: generation_config.json: found a web page" },
    { "tokenizer_config.json", "", "{}", "base: tokenizer_config.json: found an empty file" },
    { "tokenizer_config.json", "{}", "[]", "experts[1]: tokenizer_config.json: not JSON: expected an object: not compared with base's" },
    { "special_tokens_map.json", "{}", "{", "experts[1]: special_tokens_map.json: not JSON: unexpected end at byte 1: not compared with base's" },
    { "chat_template.json", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n", "{}", "base: chat_template.json: found a git-lfs pointer" },
    { "preprocessor_config.json", "<html>", "{}", "base: base2/preprocessor_config.json: found a web page" },
  }
  for _, case in ipairs(cases) do
    it(case[1] .. " " .. (case[2] or "absent") .. " and " .. case[3], function()
      pair({ [case[1]] = case[2] }, { [case[1]] = case[3] })
      warned(merge, case[4])
      local good = case[4]:find ".json: " and not case[4]:find " here " and "{}" or case[2]
      pair({ [case[1]] = good }, { [case[1]] = good })
      local _, said = M.made(merge)
      assert.is_nil(said:find("experts[1]", 1, true) and said:find("the output", 1, true), said)
    end)
  end
  it("is not told wrongly of a template that was chosen", function()
    pair({}, { ["chat_template.jinja"] = "{{ x }}" })
    local _, said = M.made(merge .. " --chat-template chat2")
    assert.is_nil(said:find("template", 1, true), said)
    local code, lone = M.run(merge .. " --chat-template chat2 -o lone.safetensors")
    assert.equal(0, code)
    assert.is_truthy(lone:find("--chat-template: an output of one file has no place for it", 1, true), lone)
  end)
end)
