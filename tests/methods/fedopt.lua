return recipe {
  "FedAdam's server step; without the second moment DiLoCo's, with momentum alone.",
  paper = "Reddi et al. 2021, arXiv:2003.00295; Douillard et al. 2023, arXiv:2311.08105",
  arg.model("server", "theta_t"), arg.models("clients", "theta_i", { min = 1 }), arg.model("m", "first moment", { optional = true }), arg.model("v", "second moment", { optional = true }),
  arg("rate", 0.1, "server learning rate"), arg("beta1", 0.9, "decay of m"), arg("beta2", 0.99, "decay of v"), arg("eps", 1e-3, "adaptivity"), arg("adam", true, "with v"),
  arg.choice("write", { "model", "m", "v" }, "what is written"),
  function(a)
    local delta = mean(a.clients - a.server)
    local m = (a.m and a.beta1 * a.m or 0) + (1 - a.beta1) * delta
    local v = (a.v and a.beta2 * a.v or 0) + (1 - a.beta2) * delta:square()
    if a.write ~= "model" then return (a.write == "m" and m or v):unweighed() end
    return (a.server + a.rate * (a.adam and m / (v:sqrt() + a.eps) or m)):unweighed() -- a moment from a file weighs as a model does
  end,
}
