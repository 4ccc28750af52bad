/* view.c: see view.h. What is checked here is what exec/feed.c divides by and reads at. */
#include "expr/view.h"
#include "base/text.h"
#include <string.h>

static uint32_t shape_of(const mw_graph *graph, mw_node node) { return mw_graph_facts(graph, node).shape; }

/* An error about tensors: "'join' of [2,3] and [4,5] side by side: they have other rows". */
static bool misfit(const mw_graph *graph, const char *word, mw_node a, mw_node b, const char *what, mw_error *err) {
  mw_text text = {0};
  for (int side = 0; side < (b ? 2 : 1); side++) {
    uint32_t shape = shape_of(graph, side ? b : a);
    mw_text_format(&text, side ? " and " : "");
    mw_text_shape(&text, mw_graph_dims(graph, shape), mw_graph_rank(graph, shape));
  }
  mw_error_set(err, MW_DATA, "'%s' of %s: %s", word, text.bytes ? text.bytes : "", what);
  mw_text_free(&text);
  return false;
}

/* Views are of tensors that are streamed. */
static bool need_stream(const mw_graph *graph, const char *word, mw_node id, mw_error *err) {
  mw_graph_node_facts facts = mw_graph_facts(graph, id);
  if (facts.over) return mw_error_set(err, MW_DATA, "'%s' of a vector along rows", word);
  if (facts.whole || facts.op == MW_OP_TOKENS) return mw_error_set(err, MW_DATA, "'%s' of what a network computes", word);
  if (!facts.shape || facts.op == MW_OP_VECTOR) return mw_error_set(err, MW_DATA, "'%s' needs a tensor, not a number", word);
  return mw_graph_rank(graph, facts.shape) > 0 || misfit(graph, word, id, 0, "a tensor without dimensions has no rows", err);
}

/* The operand's shape with another size of dimension `axis`. */
static bool resized(mw_graph *graph, mw_node of, unsigned axis, uint64_t size, uint32_t *shape, mw_error *err) {
  uint64_t dims[64];
  uint32_t own = shape_of(graph, of);
  unsigned rank = mw_graph_rank(graph, own);
  memcpy(dims, mw_graph_dims(graph, own), rank * sizeof *dims);
  dims[axis] = size;
  return mw_graph_shape(graph, dims, rank, shape, err);
}

static bool check_slice(mw_graph *graph, mw_node of, bool rows, const uint64_t extra[2], uint32_t *shape, mw_error *err) {
  MW_TRY(need_stream(graph, "slice", of, err));
  uint32_t own = shape_of(graph, of);
  unsigned axis = rows ? 0 : mw_graph_rank(graph, own) - 1;
  uint64_t size = mw_graph_dims(graph, own)[axis];
  char what[120];
  if (extra[0] < extra[1] && extra[1] <= size) return resized(graph, of, axis, extra[1] - extra[0], shape, err);
  mw_text text = {0};
  mw_text_format(&text, "it has no %s %llu to %llu, but %llu", rows ? "rows" : "columns", (unsigned long long)extra[0],
                 (unsigned long long)extra[1], (unsigned long long)size);
  strncpy(what, text.bytes ? text.bytes : "", sizeof what - 1);
  what[sizeof what - 1] = 0;
  mw_text_free(&text);
  return misfit(graph, "slice", of, 0, what, err);
}

static bool check_join(mw_graph *graph, const mw_node *operands, uint32_t count, bool rows, uint32_t *shape, mw_error *err) {
  if (count > MW_GRAPH_PARTS) return mw_error_set(err, MW_DATA, "'join' of more than %d tensors", MW_GRAPH_PARTS);
  MW_TRY(need_stream(graph, "join", operands[0], err));
  uint32_t first = shape_of(graph, operands[0]);
  unsigned rank = mw_graph_rank(graph, first), axis = rows ? 0 : rank - 1;
  uint64_t size = 0;
  static const char below[] = "below one another they need the same columns", beside[] = "side by side they need the same rows";
  for (uint32_t i = 0; i < count; i++) {
    MW_TRY(need_stream(graph, "join", operands[i], err));
    uint32_t own = shape_of(graph, operands[i]);
    bool fits = mw_graph_rank(graph, own) == rank;
    for (unsigned d = 0; fits && d < rank; d++) fits = d == axis || mw_graph_dims(graph, own)[d] == mw_graph_dims(graph, first)[d];
    if (!fits)
      return misfit(graph, "join", operands[0], operands[i], rows ? below : beside, err);
    if (__builtin_add_overflow(size, mw_graph_dims(graph, own)[axis], &size))
      return mw_error_set(err, MW_DATA, "'join' of too many elements");
  }
  return resized(graph, operands[0], axis, size, shape, err);
}

static bool check_gather(mw_graph *graph, mw_node of, const uint64_t extra[2], uint32_t *shape, mw_error *err) {
  size_t count;
  const uint32_t *rows = mw_graph_rows(graph, extra[0], &count);
  if (!rows || extra[1]) return mw_error_set(err, MW_DATA, "'gather' needs a table of rows");
  MW_TRY(need_stream(graph, "gather", of, err));
  uint64_t own = mw_graph_dims(graph, shape_of(graph, of))[0];
  for (size_t i = 0; i < count; i++)
    if (rows[i] >= own && rows[i] != MW_GRAPH_NO_ROW) {
      mw_error_set(err, MW_DATA, "'gather' of row %u of a tensor that has %llu", rows[i], (unsigned long long)own);
      return false;
    }
  return resized(graph, of, 0, count, shape, err);
}

static bool check_transpose(mw_graph *graph, mw_node of, uint32_t *shape, mw_error *err) {
  MW_TRY(need_stream(graph, "T", of, err));
  uint32_t own = shape_of(graph, of);
  if (mw_graph_rank(graph, own) != 2) return misfit(graph, "T", of, 0, "only a matrix of two dimensions is transposed", err);
  uint64_t dims[2] = {mw_graph_dims(graph, own)[1], mw_graph_dims(graph, own)[0]};
  return mw_graph_shape(graph, dims, 2, shape, err);
}

bool mw_view_check(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, const uint64_t extra[2], uint32_t *shape,
                   mw_error *err) {
  switch (op) {
  case MW_OP_SLICE_ROWS:
  case MW_OP_SLICE_COLUMNS: return check_slice(graph, operands[0], op == MW_OP_SLICE_ROWS, extra, shape, err);
  case MW_OP_JOIN_ROWS:
  case MW_OP_JOIN_COLUMNS: return check_join(graph, operands, count, op == MW_OP_JOIN_ROWS, shape, err);
  case MW_OP_GATHER: return check_gather(graph, operands[0], extra, shape, err);
  case MW_OP_TRANSPOSE: return check_transpose(graph, operands[0], shape, err);
  default: return mw_error_set(err, MW_DATA, "'%s' is not an operation of recipes", mw_graph_op_name(op));
  }
}

bool mw_view_reshape(const mw_graph *graph, mw_node tensor, uint32_t shape, mw_error *err) {
  MW_TRY(need_stream(graph, "reshape", tensor, err));
  if (mw_graph_elements(graph, shape) == mw_graph_elements(graph, shape_of(graph, tensor))) return true;
  mw_text text = {0};
  mw_text_shape(&text, mw_graph_dims(graph, shape), mw_graph_rank(graph, shape));
  mw_error_set(err, MW_DATA, "'reshape' to %s needs %llu elements, and the tensor has %llu", text.bytes ? text.bytes : "",
               (unsigned long long)mw_graph_elements(graph, shape), (unsigned long long)mw_graph_elements(graph, shape_of(graph, tensor)));
  mw_text_free(&text);
  return false;
}

mw_dtype mw_view_dtype(const mw_graph *graph, const mw_node *operands, uint32_t count, bool f64) {
  mw_dtype dtype = mw_graph_facts(graph, operands[0]).dtype;
  for (uint32_t i = 0; i < count; i++) {
    mw_graph_node_facts facts = mw_graph_facts(graph, operands[i]);
    if (!mw_graph_is_stored(facts.op) || facts.dtype != dtype) return f64 ? MW_DTYPE_F64 : MW_DTYPE_F32;
  }
  return dtype;
}
