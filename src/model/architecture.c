/* architecture.c: the table of architectures.def. */
#include "model/architecture.h"
#include <string.h>

static const mw_architecture architectures[] = {
#define MW_ARCHITECTURE(model_type, embedding, tied, head_dim) {#model_type, embedding, tied, head_dim},
#define MW_EMBEDDING(name)
#define MW_TIED(model_type)
#define MW_ALIAS(name)
#include "model/architectures.def"
#undef MW_ARCHITECTURE
#undef MW_EMBEDDING
#undef MW_TIED
#undef MW_ALIAS
};

const char *const mw_architecture_embeddings[] = {
#define MW_ARCHITECTURE(model_type, embedding, tied, head_dim) embedding,
#define MW_EMBEDDING(name) name,
#define MW_TIED(model_type)
#define MW_ALIAS(name)
#include "model/architectures.def"
#undef MW_ARCHITECTURE
#undef MW_EMBEDDING
#undef MW_TIED
#undef MW_ALIAS
    NULL};

const mw_architecture *mw_architecture_of(const char *model_type) {
  for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
    if (strcmp(architectures[i].model_type, model_type) == 0) return &architectures[i];
  return NULL;
}

#define MW_ARCHITECTURE(model_type, embedding, tied, head_dim)
#define MW_EMBEDDING(name)
#define MW_TIED(model_type) #model_type,
#define MW_ALIAS(name)
static const char *const tied_types[] = {
#include "model/architectures.def"
    NULL};
#undef MW_TIED
#undef MW_ALIAS
#define MW_TIED(model_type)
#define MW_ALIAS(name) name,
static const char *const aliases[] = {
#include "model/architectures.def"
    NULL};
#undef MW_ARCHITECTURE
#undef MW_EMBEDDING
#undef MW_TIED
#undef MW_ALIAS

static bool listed(const char *const *list, const char *word) {
  for (; *list; list++)
    if (strcmp(*list, word) == 0) return true;
  return false;
}

bool mw_architecture_ties(const char *model_type) {
  const mw_architecture *known = mw_architecture_of(model_type);
  return known ? known->tied : listed(tied_types, model_type);
}

bool mw_architecture_is_alias(const char *name) { return listed(aliases, name); }
