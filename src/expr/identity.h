/* identity.h: a hash of what outputs compute. Two graphs have the same identity if their outputs are the same expressions of the
 * same inputs, even if their nodes were made in another order, or if one has further nodes that no output needs. */
#ifndef MW_EXPR_IDENTITY_H
#define MW_EXPR_IDENTITY_H

#include "expr/graph.h"

/* The identity of the outputs in their order: 64 hex digits and a NUL. Sets models[m] if an output reads input model m (models may
 * be NULL; m is below model_count). */
bool mw_identity_hash(const mw_graph *graph, const mw_node *outputs, size_t count, bool *models, size_t model_count,
                      char hex[65], mw_error *err);

#endif
