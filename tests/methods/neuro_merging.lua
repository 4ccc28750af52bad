return recipe {
  "NeuroMerging: of each neuron (row) the change along its own weights and that across them are merged apart.",
  paper = "Fang et al. 2025, arXiv:2503.05320",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("density", 0.2, "share of each task vector kept", { min = 0, max = 1 }),
  arg("along", 0.0, "lambda_1, of the change along a neuron"),
  function(a)
    local tau  = (a.experts - a.base):matrices()
    local w    = a.base:only(tau[1])
    local kept = tau:keep_top(a.density, { count = "exact" })
    local along = kept:dot(w, { per = "row" }) / w:dot(w, { per = "row" }) * w
    local lost  = sum((tau - kept):abs():total()) / sum(tau:abs():total()) -- sigma: the share of the L1 norm that was cut
    local function elected(list) return disjoint_mean(sign_trim(list, 1)) end
    local merged = a.along * elected(along) + elected(kept - along) / (1 - lost)
    return a.base + mean(a.experts - a.base):with(merged)
  end,
}
