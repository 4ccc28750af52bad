return recipe {
  "a within the range that other models span; with stiffness 1 the range is that of those next to their mean.",
  paper = "sd-mecha clamp",
  arg.model("a", "the model"), arg.models("bounds", "the others", { min = 2 }), arg("stiffness", 0.0, "0 to 1", { min = 0, max = 1 }),
  function(x)
    local high, low, middle = max(x.bounds), min(x.bounds), mean(x.bounds)
    local up, down = high, low
    for _, b in ipairs(x.bounds) do
      up, down = where(up:ge(b) & b:ge(middle), b, up), where(down:le(b) & b:le(middle), b, down)
    end
    return x.a:clamp(lerp(low, down, x.stiffness), lerp(high, up, x.stiffness))
  end,
}
