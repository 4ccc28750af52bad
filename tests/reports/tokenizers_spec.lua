--- Tokens are compared whichever file of a tokenizer holds them.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local function pair(a, b)
  for folder, files in pairs { a = a, b = b } do
    os.execute("rm -rf '" .. M.folder .. "/" .. folder .. "'")
    M.model(folder, { ["x.weight"] = { "F32", { 4, 2 }, 1 } }, '{"model_type": "toy"}', files)
  end
end
local merge = "moonweld lerp --a a --b b"

--- A SentencePiece model: pieces { text, kind }.
local function pieces(list)
  local out = {}
  for i, piece in ipairs(list) do
    local body = "\10" .. string.char(#piece[1]) .. piece[1] .. (piece[2] and "\24" .. string.char(piece[2]) or "")
    out[i] = "\10" .. string.char(#body) .. body
  end
  return table.concat(out)
end
local function tekken(words, special)
  local parts, more = {}, {}
  for i, word in ipairs(words) do parts[i] = ('{"rank": %d, "token_bytes": "%s", "token_str": null}'):format(i - 1, word) end
  for i, word in ipairs(special) do more[i] = ('{"rank": %d, "token_str": "%s", "is_control": true}'):format(i - 1, word) end
  return ('{"config": {"default_num_special_tokens": %d}, "vocab": [%s], "special_tokens": [%s]}'):format(#special, table.concat(parts, ","), table.concat(more, ","))
end

describe("ordinary tokens that differ at equal ids are refused", function()
  local kinds = {
    { "tokenizer.model", pieces { { "<unk>", 2 }, { "a" }, { "b" } }, pieces { { "<unk>", 2 }, { "b" }, { "a" } }, "2 of 3" },
    { "spiece.model", pieces { { "a" }, { "b" } }, pieces { { "b" }, { "a" } }, "2 of 2" },
    { "sentencepiece.bpe.model", pieces { { "a" }, { "b" } }, pieces { { "a" }, { "c" } }, "1 of 2" },
    { "spm.model", pieces { { "a" }, { "b" } }, pieces { { "a" }, { "c" } }, "1 of 2" },
    { "vocab.json", '{"a": 0, "b": 1}', '{"b": 0, "a": 1}', "2 of 2" },
    { "vocab.txt", "[PAD]\na\nb\n", "[PAD]\nb\na\n", "2 of 3" },
    { "tekken.json", tekken({ "AA==", "AQ==" }, { "<unk>" }), tekken({ "AQ==", "AA==" }, { "<unk>" }), "2 of 3" },
    { "qwen.tiktoken", "IQ== 0\nIg== 1\n", "IQ== 1\nIg== 0\n", "2 of 2" },
    { "tokenizer.model", "IQ== 0\nIg== 1\n", "IQ== 1\nIg== 0\n", "2 of 2" },
    { "tiktoken.model", "IQ== 0\nIg== 1\n", "IQ== 0\nIw== 1\n", "1 of 2" },
  }
  for _, kind in ipairs(kinds) do
    it(kind[1] .. (kind[2]:find("IQ==", 1, true) and ", tiktoken" or ""), function()
      pair({ [kind[1]] = kind[2] }, { [kind[1]] = kind[3] })
      M.refused(merge, "b: tokenizer: " .. kind[4] .. " ordinary tokens differ at equal ids", "--allow tokenizer")
      M.made(merge .. " --allow tokenizer")
      pair({ [kind[1]] = kind[2] }, { [kind[1]] = kind[2] })
      local _, said = M.made(merge)
      assert.is_nil(said:find("token", 1, true), said)
    end)
  end
end)

describe("added tokens that differ are a warning that lists them", function()
  local kinds = {
    { "in added_tokens.json beside vocab.json", { ["vocab.json"] = '{"a": 0}', ["added_tokens.json"] = '{"<x>": 1}' }, { ["vocab.json"] = '{"a": 0}', ["added_tokens.json"] = '{"<y>": 1}' } },
    { "beside a SentencePiece model", { ["tokenizer.model"] = pieces { { "a" } }, ["added_tokens.json"] = '{"<x>": 1}' },
      { ["tokenizer.model"] = pieces { { "a" } }, ["added_tokens.json"] = '{"<y>": 1}' } },
    { "in it, as reserved pieces", { ["tokenizer.model"] = pieces { { "a" }, { "<x>", 4 } } }, { ["tokenizer.model"] = pieces { { "a" }, { "<y>", 4 } } } },
    { "in tekken.json", { ["tekken.json"] = tekken({}, { "<s>", "<x>" }) }, { ["tekken.json"] = tekken({}, { "<s>", "<y>" }) } },
    { "in vocab.txt", { ["vocab.txt"] = "a\n[x]\n" }, { ["vocab.txt"] = "a\n[y]\n" } },
  }
  for _, kind in ipairs(kinds) do
    it(kind[1], function()
      pair(kind[2], kind[3])
      local _, said = M.made(merge)
      assert.is_truthy(said:find("b: tokenizer: 1 added token differs at equal ids: 1 is '", 1, true), said)
    end)
  end
end)

describe("a large tokenizer.json", function()
  --- More than half a megabyte of tokens and merges, so that only a part of the file is read.
  local function large(change, options)
    local words, merges = {}, {}
    for i = 0, 19999 do
      words[i + 1] = ('"%s": %d'):format(i == change and "other" or ("token\\\"%06d"):format(i), i)
      merges[i + 1] = ('"tok en%06d"'):format(i)
    end
    local vocab, list = "{" .. table.concat(words, options.between or ",\n") .. "}", "[" .. table.concat(merges, ",") .. "]"
    local added = '"added_tokens": [{"id": 20000, "content": "' .. (options.added or "<x>") .. '"}]'
    local model = options.first and ('"merges": %s, "vocab": %s'):format(list, vocab) or ('"vocab": %s, "merges": %s'):format(vocab, list)
    return options.behind and ('{"model": {%s}, %s}\n'):format(model, added) or ('{%s, "model": {%s}}\n'):format(added, model)
  end
  local places = { ["in the order of the library"] = {}, ["with the merges before the vocabulary"] = { first = true }, ["with added tokens behind"] = { behind = true } }
  for what, options in pairs(places) do
    it("is compared wherever its parts stand: " .. what, function()
      local plain = large(nil, options)
      pair({ ["tokenizer.json"] = plain }, { ["tokenizer.json"] = large(19998, options) })
      M.refused(merge, "b: tokenizer: 1 of 20001 ordinary tokens differ at equal ids: 19998 is 'other' here and 'token")
      options.added, options.between = "<y>", ", "
      pair({ ["tokenizer.json"] = plain }, { ["tokenizer.json"] = large(nil, options) })
      local _, said = M.made(merge)
      assert.is_truthy(said:find("b: tokenizer: 1 added token differs at equal ids: 20000 is '<y>' here and '<x>' in a", 1, true), said)
      options.added, options.between = nil, nil
      pair({ ["tokenizer.json"] = plain }, { ["tokenizer.json"] = large(nil, options) .. "\n" })
      said = select(2, M.made(merge))
      assert.is_nil(said:find("token", 1, true), said)
      pair({ ["tokenizer.json"] = plain }, { ["tokenizer.json"] = plain:sub(1, 700000) })
      M.refused(merge, "its tokenizer cannot be compared with a's: b/tokenizer.json: not JSON")
    end)
  end
end)

describe("tokenizers that cannot be compared", function()
  it("are told of where their files count in different ways", function()
    pair({ ["tokenizer.json"] = '{"model": {"vocab": {"a": 0}}}' }, { ["qwen.tiktoken"] = "IQ== 0\n" })
    local _, said = M.made(merge)
    assert.is_truthy(said:find("b: its tokenizer was not compared with a's: b/qwen.tiktoken and a/tokenizer.json count tokens in different ways", 1, true), said)
  end)
  local broken = { ["a web page"] = "<html>", ["a git-lfs pointer"] = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n", ["an empty file"] = "" }
  for what, bytes in pairs(broken) do
    it("are refused where one is " .. what .. ", which the output would have", function()
      pair({ ["tokenizer.json"] = bytes }, { ["tokenizer.json"] = '{"model": {"vocab": {"a": 0}}}' })
      M.refused(merge, "b: its tokenizer cannot be compared with a's: a/tokenizer.json: found " .. what, "--allow tokenizer")
      M.made(merge .. " --allow tokenizer")
    end)
  end
end)
