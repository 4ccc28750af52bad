/* kind.c: the first row of the table with a word that the name holds, so a norm within attention is a norm. */
#include "report/kind.h"
#include <stddef.h>
#include <string.h>

const char *const mw_kind_names[MW_KINDS] = {"attention", "mlp", "norm", "embedding", "other"};

static const struct { const char *word; mw_kind kind; } words[] = {
    {"norm", MW_KIND_NORM}, {"ln_", MW_KIND_NORM}, {".ln", MW_KIND_NORM},
    {"embed", MW_KIND_EMBEDDING}, {"wte", MW_KIND_EMBEDDING}, {"wpe", MW_KIND_EMBEDDING}, {"lm_head", MW_KIND_EMBEDDING},
    {"attn", MW_KIND_ATTENTION}, {"attention", MW_KIND_ATTENTION}, {"Attention", MW_KIND_ATTENTION}, {"q_proj", MW_KIND_ATTENTION},
    {"k_proj", MW_KIND_ATTENTION}, {"v_proj", MW_KIND_ATTENTION}, {"o_proj", MW_KIND_ATTENTION}, {"to_out", MW_KIND_ATTENTION},
    {"mlp", MW_KIND_MLP}, {"ffn", MW_KIND_MLP}, {"feed_forward", MW_KIND_MLP}, {"experts", MW_KIND_MLP}, {".ff.", MW_KIND_MLP},
    {"gate_proj", MW_KIND_MLP}, {"up_proj", MW_KIND_MLP}, {"down_proj", MW_KIND_MLP}, {"dense", MW_KIND_MLP}, {".fc", MW_KIND_MLP}};

mw_kind mw_kind_of(const char *name) {
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strstr(name, words[i].word)) return words[i].kind;
  return MW_KIND_OTHER;
}
