return recipe {
  "Layer-aware task arithmetic: leave out the layers in which an expert moved as the instruction-tuned model did.",
  paper = "Chen et al. 2025, arXiv:2502.20186",
  arg.model("base", "theta_0"), arg.model("instruct", "instruction-tuned base"), arg.model("expert", "tuned from base for a task"),
  arg("threshold", 0.5, "a layer above this cosine is left out"), arg("scale", 1.0, "lambda"),
  function(a)
    local tau, instruct = a.expert - a.base, a.instruct - a.base
    local alike = tau:by_layer():cosine(instruct:by_layer())
    return a.instruct + a.scale * tau:keep(alike:le(a.threshold))
  end,
}
