/* widest.c: operands come before their users, so one step goes from operands to a node. */
#include "expr/widest.h"
#include "expr/cone.h"

static void widen(mw_dtype *wide, mw_dtype dtype) {
  bool floats = *wide == MW_DTYPE_BF16 || *wide == MW_DTYPE_F16, other = dtype == MW_DTYPE_BF16 || dtype == MW_DTYPE_F16;
  if (dtype == MW_DTYPE_COUNT || mw_dtype_kind_of(dtype) != MW_DTYPE_KIND_REAL || dtype == *wide) return;
  if (*wide == MW_DTYPE_COUNT) *wide = dtype;
  else if (floats && other) *wide = MW_DTYPE_F32; /* neither holds the other's values */
  else if (mw_dtype_bits(dtype) > mw_dtype_bits(*wide)) *wide = dtype;
}

mw_dtype mw_widest_of(const mw_graph *graph, mw_graph_node_facts facts, mw_dtype stored, const uint8_t *found) {
  mw_dtype own = MW_DTYPE_COUNT;
  switch (facts.op) {
  case MW_OP_INPUT: widen(&own, stored); return own;
  case MW_OP_AS_BF16: return MW_DTYPE_BF16;
  case MW_OP_AS_F16: return MW_DTYPE_F16;
  case MW_OP_AS_F32: return MW_DTYPE_F32;
  default:
    for (uint32_t i = 0; i < facts.operands; i++)
      if (mw_cone_goes_on(graph, facts.operand[i])) widen(&own, (mw_dtype)found[facts.operand[i]]);
    return own;
  }
}
