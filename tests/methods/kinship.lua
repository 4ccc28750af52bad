return recipe {
  "Kinship: each change weighs as it is like the others': by its mean cosine with these.",
  paper = "Hu et al. 2024, arXiv:2410.12613",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 2 }), arg("scale", 1.0, "lambda"),
  function(a)
    local tau = a.experts - a.base
    local kinship = tau:map(function(own)
      return ((sum(tau:map(function(other) return own:flat():cosine(other:flat()) end)) - 1) / (#tau - 1)):atleast(0)
    end)
    return a.base + a.scale * sum(kinship * tau) / sum(kinship)
  end,
}
