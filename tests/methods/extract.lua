return recipe {
  "Of two task vectors what is alike in each row, or what is not.",
  paper = "supermerger extract",
  arg.model("base", "theta_0"), arg.model("a", "a"), arg.model("b", "b"), arg("alpha", 0.5, "a to b"), arg("beta", 0.0, "0: what is alike, 1: what is not"), arg("gamma", 1.0, "power"),
  function(x)
    local a, b = x.a - x.base, x.b - x.base
    local alike = ((a:cosine(b, { per = "row" }):clamp(-1, 1) + 1) / 2) ^ x.gamma
    return x.base + lerp(a, b, x.alpha) * lerp(alike, 1 - alike, x.beta)
  end,
}
