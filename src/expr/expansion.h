/* expansion.h: dots of sums are sums of dots. Where a chain of reductions goes on from one weighted sum of tensors to the next, as in
 *
 *   repeat: w = 1 / norm(models - m)    m = sum(w / sum(w) * models)
 *
 * each step would read all models again. But m is c1 * x1 + ... + cn * xn, with numbers c that are known once the step before is, so
 * every dot of such sums is made of the dots of the x, which are found in the first pass: the whole chain takes one pass.
 *
 *   atom   a tensor that is no weighted sum, with lazy numbers as weights, of others: x1 ... xn
 *   span   the atoms of a sum, in the order of their nodes
 *   basis  of a span: x1, x2 - x1, ... xn - x1, computed in f64 where the atoms are tensors of models. The dots that are found are those
 *          of the basis. Of models that lie near to one another the differences are small, and a distance of two sums is made of these,
 *          since the weight of x1 itself is then 0 up to rounding. So |a - b| is right to about 1e-16 |x1| + 1e-16 D^2 / |a - b|, D the
 *          largest difference: directly, in f32, it is right to 1e-7 of |a|.
 *
 * Chains of at least two passes more than their atoms need are expanded, if the span's dots cost less than the passes. */
#ifndef MW_EXPR_EXPANSION_H
#define MW_EXPR_EXPANSION_H

#include "expr/graph.h"

enum { MW_EXPANSION_ATOMS = 32 };

typedef struct mw_expansion_span {
  uint32_t count;
  const mw_node *atoms; /* borrowed */
  const mw_node *dots;  /* basis[i] dot basis[j] for j <= i, at i * (i + 1) / 2 + j; NULL: the span is not expanded */
} mw_expansion_span;

typedef struct mw_expansion mw_expansion;

/* Finds which dots among those that the outputs need are expanded, and adds the dots of bases to the graph. *out stays NULL where there
 * are none. */
bool mw_expansion_make(mw_graph *graph, const mw_node *outputs, size_t count, mw_expansion **out, mw_error *err);
void mw_expansion_free(mw_expansion *expansion);

/* Whether a scalar is an expanded dot: its value follows from the dots of its span, and it is no reduction. `expansion` may be NULL. */
bool mw_expansion_has(const mw_expansion *expansion, mw_node node);
/* The span of an expanded dot, or of a tensor that one is made of: alone where that is an atom. */
mw_expansion_span mw_expansion_of(const mw_expansion *expansion, mw_node node);
/* The two sums whose dot it is. */
void mw_expansion_factors(const mw_graph *graph, mw_node dot, mw_node factors[2]);

#endif
