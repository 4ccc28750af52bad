--- The HTML pages: colours that can be read, light and dark; nothing that runs or loads; every remark of their readers, held.
local program = os.getenv "MOONWELD" or "build/moonweld"
local page = os.tmpname() .. ".html"

--- The page, which is removed.
local function read()
  local file = assert(io.open(page, "rb"))
  local text = file:read "a"
  file:close()
  os.remove(page)
  return text
end

--- Runs `moonweld diff` of carried models and returns the page.
local function make(models)
  assert(os.execute(("'%s' diff %s --html '%s' --quiet > /dev/null"):format(program, models, page)))
  return read()
end

local pico = "tests/data/pico/"
local two = make(("%skjv %spy --base %sbase"):format(pico, pico, pico))
local three = make(("%skjv %spy %sde --base %sbase"):format(pico, pico, pico, pico))
local style = two:match "<style>(.-)</style>"

--- The colours of a theme: { ink = { r, g, b } } with parts from 0 to 1.
local function colours(block)
  local list = {}
  for name, hex in block:gmatch "%-%-([%w-]+):#(%x+)" do
    if #hex == 3 then hex = hex:gsub("%x", "%0%0") end
    if #hex == 6 then
      list[name] = {}
      for part in hex:gmatch "%x%x" do table.insert(list[name], tonumber(part, 16) / 255) end
    end
  end
  return list
end

--- WCAG 2: the ratio of two colours' relative luminances, 1 to 21.
local function contrast(a, b)
  local function light(colour)
    local linear = {}
    for i, part in ipairs(colour) do linear[i] = part <= 0.04045 and part / 12.92 or ((part + 0.055) / 1.055) ^ 2.4 end
    return 0.2126 * linear[1] + 0.7152 * linear[2] + 0.0722 * linear[3]
  end
  local x, y = light(a), light(b)
  return (math.max(x, y) + 0.05) / (math.min(x, y) + 0.05)
end

--- What a colour of some opacity looks like on a ground.
local function over(colour, ground, opacity)
  local mixed = {}
  for i = 1, 3 do mixed[i] = opacity * colour[i] + (1 - opacity) * ground[i] end
  return mixed
end

local light = colours(style:match ":root(%b{})")
local dark = colours(style:match "prefers%-color%-scheme:dark%){:root(%b{})")
local dots = { light = tonumber(style:match "%-%-dot:([%d.]+)"), dark = tonumber(style:match "prefers.-%-%-dot:([%d.]+)") }

describe("pages", function()
  for theme, c in pairs { light = light, dark = dark } do
    it("have text that can be read, " .. theme, function()
      local pairs_of = { { "ink", "ground" }, { "ink", "card" }, { "soft", "ground" }, { "soft", "card" }, { "ink", "warn" }, { "a", "ground" },
                         { "b", "ground" }, { "c", "ground" }, { "card", "ink" } }
      for _, pair in ipairs(pairs_of) do
        local ratio = contrast(assert(c[pair[1]], pair[1]), assert(c[pair[2]], pair[2]))
        assert.is_true(ratio >= 4.5, ("%s on %s: %.2f, 4.5 is the least"):format(pair[1], pair[2], ratio))
      end
    end)
    it("have marks that can be seen, " .. theme, function()
      for _, name in ipairs { "a", "b", "d", "warn-edge", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7" } do
        local ratio = contrast(assert(c[name], name), c.card)
        assert.is_true(ratio >= 3, ("%s on card: %.2f, 3 is the least"):format(name, ratio))
      end
      for _, name in ipairs { "a", "b", "d" } do
        local ratio = contrast(over(c[name], c.card, dots[theme]), c.card)
        assert.is_true(ratio >= 2.4, ("a point of %s: %.2f, 2.4 is the least"):format(name, ratio))
      end
    end)
  end

  it("run nothing and load nothing", function()
    for _, text in ipairs { two, three } do
      for _, mark in ipairs { "<script", "http:", "https:", "javascript:", " src=", "url(", "@import", " onload" } do
        assert.is_nil(text:find(mark, 1, true), mark)
      end
      assert.is_truthy(text:find("default-src 'none'", 1, true))
    end
  end)

  it("close every element where it was opened, those about outputs and several models too", function()
    local empty = { meta = true, input = true, br = true, wbr = true }
    local output = page:gsub("html$", "output")
    assert(os.execute(("'%s' m3 --models %skjv %spy -o '%s' --quiet --no-sync && '%s' report '%s' -o '%s' > /dev/null"):format(program, pico,
      pico, output, program, output, page)))
    local about = read()
    os.execute("rm -r '" .. output .. "'")
    for _, text in ipairs { three, about } do
      local open = {}
      for closing, name, rest in text:gsub("<style>.-</style>", ""):gmatch "<(/?)(%a%w*)([^>]*)>" do
        if closing == "/" then assert.equal(table.remove(open), name)
        elseif not empty[name] and rest:sub(-1) ~= "/" then table.insert(open, name) end
      end
      assert.equal(0, #open)
    end
  end)

  it("filter tensors by kind without a script", function()
    local kinds = {}
    for kind in two:gmatch '<input type="radio" name="kind" id="k%-(%a+)"' do kinds[#kinds + 1] = kind end
    assert.same({ "all", "attention", "mlp", "norm", "embedding" }, kinds)
    for i = 2, #kinds do
      assert.is_truthy(style:find(("#k-%s:checked~section .k:not(.%s){display:none}"):format(kinds[i], kinds[i]), 1, true))
      assert.is_truthy(two:find(('<tr class="k %s">'):format(kinds[i]), 1, true))
    end
    local rows = {}
    for kind in two:gmatch '<tr class="k (%a+)">' do rows[kind] = (rows[kind] or 0) + 1 end
    assert.same({ attention = 20, mlp = 15, norm = 11, embedding = 1 }, rows)
  end)

  it("name what lies beside the layers, and the tensor of the greatest figure", function()
    assert.is_truthy(two:find(">embed_tokens</text>", 1, true))
    assert.is_truthy(two:find(">norm</text>", 1, true))
    assert.is_truthy(two:find('<text class="named"[^>]*>0.self_attn.v_proj</text>'))
    -- Of cosines of weights the least: the tensor that is least like its partner.
    local alone, least, name = make(("%skjv %sde"):format(pico, pico)), 2
    for tensor, cosine in alone:gmatch '<circle class="dot[^>]*><title>([^<]-): (%d%.%d+)</title>' do
      if tonumber(cosine) < least then least, name = tonumber(cosine), tensor end
    end
    assert.equal(name:match "^model%.layers%.(.*)%.weight$", alone:match '"Cosine by layer.-<text class="named"[^>]*>([^<]*)</text>')
    assert.equal("kjv and de", three:match "<h2>A and C: ([^<]*)</h2>")
  end)

  it("break paths behind their slashes, and leave no tile empty", function()
    assert.is_truthy(two:find("<dd>tests/<wbr>data/<wbr>pico/<wbr>kjv</dd>", 1, true))
    assert.is_truthy(style:find(".tiles div:last-child:nth-child(odd){grid-column:1/-1}", 1, true))
  end)

  it("do not squeeze the data below a line that it does not reach", function()
    assert.is_nil(two:find("20 %: longer ones merge badly", 1, true)) -- the longest is 11 %
  end)

  it("say a sentence where all is well", function()
    assert.is_truthy(two:find "<p class=\"well\">Nothing speaks against a merge")
  end)

  it("keep headers in sight, and show where a table goes on", function()
    assert.is_truthy(style:find("position:sticky;top:0", 1, true))
    assert.is_truthy(style:find("max-height:80vh", 1, true))
    assert.is_truthy(style:find("var(--shade)", 1, true))
  end)
end)
