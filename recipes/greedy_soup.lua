return recipe {
  "Greedy soup: models by falling score; each stays in the average if the average then scores no worse.",
  paper = "Wortsman et al. 2022, arXiv:2203.05482",
  arg.models("models", "fine-tunes of one initialisation; of equal scores the later listed is tried first", { min = 1 }),
  arg.choice("accept", { "at_least", "greater" }, "a model stays if the score does not fall (the paper), or only if it rises (its code)"),
  arg.score(),
  function(a)
    local ranked = a.models:best_first(a.score)
    local soup, best = models { ranked[1] }, a.score(ranked[1])   -- remembered, not measured again
    for i = 2, #ranked do
      local larger = soup .. models { ranked[i] }
      local score  = a.score(mean(larger))
      if score > best or score == best and a.accept == "at_least" then soup, best = larger, score end
    end
    return mean(soup)
  end,
}
