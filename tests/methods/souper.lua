return recipe {
  "Soup of category experts: of each category of a benchmark the best model, and of these the weighted mean that scores best over all.",
  paper = "Maiti et al. 2025, arXiv:2511.13254",
  arg.models("models", "candidates", { min = 1 }), arg("categories", "math code", "names of --score NAME=COMMAND, one for each category"),
  arg("parts", 4, "weights are multiples of 1 / parts", { min = 1, whole = true }), arg.score(),
  function(a)
    local experts, taken = {}, {}
    for name in a.categories:gmatch "%S+" do
      local best, most
      for i, m in ipairs(a.models) do
        local score = a.score[name](m)
        if not most or score > most then best, most = i, score end
      end
      if not taken[best] then experts[#experts + 1], taken[best] = a.models[best], true end
    end
    local soup, most
    local function share(weights, left)
      if #weights == #experts - 1 then
        local m = sum(list(table.move({ left / a.parts }, 1, 1, #weights + 1, table.move(weights, 1, #weights, 1, {}))) * models(experts))
        local score = a.score(m)
        if not most or score > most then soup, most = m, score end
        return
      end
      for k = 0, left do
        local longer = table.move(weights, 1, #weights, 1, {})
        longer[#longer + 1] = k / a.parts
        share(longer, left - k)
      end
    end
    share({}, a.parts)
    return soup
  end,
}
