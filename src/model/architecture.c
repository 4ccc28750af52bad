/* architecture.c: the lists of architectures.def. */
#include "model/architecture.h"
#include <string.h>

static const mw_architecture architectures[] = {
#define MW_ARCHITECTURE(model_type, embedding, tied, head_dim) {#model_type, embedding, tied, head_dim},
#include "model/architectures.def"
};

const char *const mw_architecture_embeddings[] = {
#define MW_ARCHITECTURE(model_type, embedding, tied, head_dim) embedding,
#define MW_EMBEDDING(name) name,
#include "model/architectures.def"
    NULL};

const char *const mw_architecture_heads[] = {
#define MW_HEAD(name) name,
#include "model/architectures.def"
    NULL};

static const char *const tied_types[] = {
#define MW_TIED(model_type) #model_type,
#include "model/architectures.def"
    NULL};

static const struct { const char *name, *of; } aliases[] = {
#define MW_ALIAS(name, of) {name, of},
#include "model/architectures.def"
    {NULL, NULL}};

const mw_architecture *mw_architecture_of(const char *model_type) {
  for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
    if (strcmp(architectures[i].model_type, model_type) == 0) return &architectures[i];
  return NULL;
}

static bool listed(const char *const *list, const char *word) {
  for (; *list; list++)
    if (strcmp(*list, word) == 0) return true;
  return false;
}

bool mw_architecture_ties(const char *model_type) {
  const mw_architecture *known = mw_architecture_of(model_type);
  return known ? known->tied : listed(tied_types, model_type);
}

const char *mw_architecture_alias(const char *name) {
  size_t i = 0;
  while (aliases[i].name && strcmp(aliases[i].name, name) != 0) i++;
  return aliases[i].of;
}
