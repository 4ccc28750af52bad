/* architecture.c: the table of architectures.def. */
#include "model/architecture.h"
#include <string.h>

static const mw_architecture architectures[] = {
#define MW_ARCHITECTURE(model_type, embedding, tied, head_dim) {#model_type, embedding, tied, head_dim},
#define MW_EMBEDDING(name)
#include "model/architectures.def"
#undef MW_ARCHITECTURE
#undef MW_EMBEDDING
};

const char *const mw_architecture_embeddings[] = {
#define MW_ARCHITECTURE(model_type, embedding, tied, head_dim) embedding,
#define MW_EMBEDDING(name) name,
#include "model/architectures.def"
#undef MW_ARCHITECTURE
#undef MW_EMBEDDING
    NULL};

const mw_architecture *mw_architecture_of(const char *model_type) {
  for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
    if (strcmp(architectures[i].model_type, model_type) == 0) return &architectures[i];
  return NULL;
}
