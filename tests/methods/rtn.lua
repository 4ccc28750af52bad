return recipe {
  "Round to nearest: groups of neighbours share a scale, which takes their largest magnitude to the largest integer.",
  paper = "Dettmers et al. 2022, arXiv:2208.07339",
  arg.model("model", "what is quantised"), arg("bits", 4, "of an integer", { min = 2, max = 8, whole = true }), arg("group", 8, "neighbours that share a scale", { min = 1, whole = true }),
  function(a)
    return a.model:map(function(x)
      local columns = x.shape[#x.shape] or 1
      if columns % a.group ~= 0 then return x end
      local scale = x:peak { of = a.group } / (2 ^ (a.bits - 1) - 1)
      return (ratio(x, scale):round() * scale):unweighed()
    end)
  end,
}
