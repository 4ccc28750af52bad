/* rules.c: the rules of ops.def, class by class. A graph may come from a hostile process, so every field of `extra` that is used as
 * a divisor or a size when the graph is executed is checked here. */
#include "expr/rules.h"
#include "expr/matrix_rules.h"
#include "expr/view.h"
#include "base/text.h"
#include <math.h>
#include <string.h>

/* An operation as recipes write it, in small letters. */
typedef struct word_buffer { char text[24]; } word_buffer;
static word_buffer word_of(mw_op op) {
  word_buffer buffer = {""};
  const char *name = op == MW_OP_VECTOR ? "scale_columns" : op == MW_OP_BERNOULLI_EACH ? "bernoulli" : mw_graph_op_name(op);
  if (mw_graph_op_class(op) == MW_CLASS_ROW) name += strlen("ROW_");
  if (mw_graph_op_class(op) == MW_CLASS_CROSS) name += strlen("COLUMN_");
  for (size_t i = 0; name[i] && i + 1 < sizeof buffer.text; i++)
    buffer.text[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
  return buffer;
}

static mw_op op_of(const mw_graph *graph, mw_node node) { return mw_graph_facts(graph, node).op; }
static uint32_t shape_of(const mw_graph *graph, mw_node node) { return mw_graph_facts(graph, node).shape; }

/* Dimension `i` counted from 0, of a shape that has it. */
static uint64_t dim(const mw_graph *graph, uint32_t shape, unsigned i) { return mw_graph_dims(graph, shape)[i]; }

static bool wrong(const mw_graph *graph, mw_op op, mw_node a, mw_node b, const char *what, mw_error *err) {
  mw_text text = {0};
  for (int side = 0; side < 2; side++) {
    uint32_t s = shape_of(graph, side ? b : a);
    mw_text_format(&text, side ? " and " : "");
    mw_text_shape(&text, mw_graph_dims(graph, s), mw_graph_rank(graph, s));
  }
  mw_error_set(err, MW_DATA, "'%s' of tensors %s: %s", word_of(op).text, what, text.bytes ? text.bytes : "");
  mw_text_free(&text);
  return false;
}

/* "[4,6] and [1,6]": whether one is a row, a column or an element that repeated has the other's shape. */
static bool is_repeated(const mw_graph *graph, uint32_t part, uint32_t whole) {
  if (mw_graph_rank(graph, part) != 2 || mw_graph_rank(graph, whole) != 2) return false;
  for (unsigned i = 0; i < 2; i++)
    if (dim(graph, part, i) != 1 && dim(graph, part, i) != dim(graph, whole, i)) return false;
  return true;
}

static bool differ(const mw_graph *graph, mw_op op, mw_node a, mw_node b, mw_error *err) {
  const uint32_t x = shape_of(graph, a), y = shape_of(graph, b);
  wrong(graph, op, a, b, "of different shapes", err);
  if (!is_repeated(graph, x, y) && !is_repeated(graph, y, x)) return false;
  const uint32_t whole = is_repeated(graph, x, y) ? y : x;
  const mw_error said = *err;
  return mw_error_set(err, MW_DATA, "%s; x:broadcast{%llu, %llu} repeats the smaller one", said.text,
                      (unsigned long long)dim(graph, whole, 0), (unsigned long long)dim(graph, whole, 1));
}

/* Vectors that go with other tensors, or of other runs than the tensor's, which were not spread (graph.c). */
static bool is_misfit(const mw_graph_node_facts *a, const mw_graph_node_facts *b) {
  return a->shape != b->shape || a->over != b->over;
}

/* "a vector over a tensor [4,6] does not go with one of [6,4]" */
static bool wrong_vector(const mw_graph *graph, mw_op op, mw_graph_node_facts a, mw_graph_node_facts b, mw_error *err) {
  mw_text text = {0};
  const mw_graph_node_facts *vector = a.over ? &a : &b, *other = a.over ? &b : &a;
  uint32_t shape = other->over ? other->over : other->shape;
  mw_text_shape(&text, mw_graph_dims(graph, vector->over), mw_graph_rank(graph, vector->over));
  mw_text_format(&text, other->over ? " and one over a tensor " : " and a tensor ");
  mw_text_shape(&text, mw_graph_dims(graph, shape), mw_graph_rank(graph, shape));
  static const char form[] = "'%s' of a vector over a tensor %s: they do not go together; v:broadcast{rows, columns} makes it a tensor";
  mw_error_set(err, MW_DATA, form, word_of(op).text, text.bytes ? text.bytes : "");
  mw_text_free(&text);
  return false;
}

/* The shape that the operands share. A scalar goes with every shape. */
static bool common(const mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, uint32_t *shape, mw_error *err) {
  mw_node first = 0;
  for (uint32_t i = 0; i < count; i++) {
    mw_graph_node_facts o = mw_graph_facts(graph, operands[i]);
    if (o.op == MW_OP_VECTOR) return mw_error_set(err, MW_DATA, "a vector can only scale columns");
    if (o.op == MW_OP_TOKENS) return mw_error_set(err, MW_DATA, "'%s' of tokens, which are not numbers", word_of(op).text);
    if (!o.shape) continue;
    mw_graph_node_facts f = mw_graph_facts(graph, first ? first : operands[i]);
    if (first && is_misfit(&f, &o) && (f.over || o.over)) return wrong_vector(graph, op, f, o, err);
    if (first && o.shape != *shape) return differ(graph, op, first, operands[i], err);
    first = operands[i];
    *shape = o.shape;
  }
  return true;
}

static bool need_tensor(const mw_graph *graph, mw_op op, mw_node id, mw_error *err) {
  mw_op kind = op_of(graph, id);
  return (shape_of(graph, id) && kind != MW_OP_VECTOR && kind != MW_OP_TOKENS) ||
         mw_error_set(err, MW_DATA, "'%s' needs a tensor, not %s", word_of(op).text,
                      kind == MW_OP_TOKENS ? "tokens" : "a number");
}

static bool need_scalar(const mw_graph *graph, mw_op op, mw_node id, mw_error *err) {
  return !shape_of(graph, id) || mw_error_set(err, MW_DATA, "'%s' needs a number, not a tensor", word_of(op).text);
}

static bool check_select(const mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, const uint64_t extra[2],
                         mw_error *err) {
  uint32_t tensors = mw_graph_selected((mw_graph_node_facts){.op = op, .operands = count});
  if (!tensors) return mw_error_set(err, MW_DATA, "a selection needs tensors");
  uint64_t elements = 0;
  for (uint32_t i = 0; i < tensors; i++) {
    MW_TRY(need_tensor(graph, op, operands[i], err));
    if (__builtin_add_overflow(elements, mw_graph_elements(graph, shape_of(graph, operands[i])), &elements))
      return mw_error_set(err, MW_DATA, "a selection over too many elements");
  }
  if (op == MW_OP_KTH_LAZY) return need_scalar(graph, op, operands[tensors], err);
  if (op == MW_OP_TIE) {
    mw_graph_node_facts kth = mw_graph_facts(graph, operands[tensors]);
    bool of_these = (kth.op == MW_OP_KTH || kth.op == MW_OP_KTH_LAZY) && mw_graph_selected(kth) == tensors;
    return (of_these && memcmp(kth.operand, operands, tensors * sizeof *operands) == 0) ||
           mw_error_set(err, MW_DATA, "'tie' needs a 'kth' of its own tensors");
  }
  return extra[0] < elements || mw_error_set(err, MW_DATA, "a rank of %llu is outside of %llu elements",
                                             (unsigned long long)extra[0], (unsigned long long)elements);
}

/* Runs of extra[0] elements, which divide the last dimension. The result has one value each, or one for each element. */
static bool check_row(mw_graph *graph, mw_op op, const mw_node *o, uint32_t count, const uint64_t extra[2], uint32_t *shape,
                      mw_error *err) {
  for (uint32_t i = 0; i < count; i++) {
    mw_graph_node_facts facts = mw_graph_facts(graph, o[i]);
    if (facts.whole) return mw_error_set(err, MW_DATA, "'%s' along rows of what a network computes", word_of(op).text);
    MW_TRY(need_tensor(graph, op, o[i], err));
    if (facts.over) return mw_error_set(err, MW_DATA, "'%s' along rows of a vector, which is no tensor", word_of(op).text);
  }
  MW_TRY(common(graph, op, o, count, shape, err));
  uint64_t dims[64];
  unsigned rank = mw_graph_rank(graph, *shape);
  uint64_t last = rank ? dim(graph, *shape, rank - 1) : 1;
  if (!mw_graph_elements(graph, *shape))
    return mw_error_set(err, MW_DATA, "'%s' along rows of a tensor without elements", word_of(op).text);
  bool all = op == MW_OP_ROW_RANK && extra[0] == mw_graph_elements(graph, *shape); /* the tensor is one run */
  if (!extra[0] || (last % extra[0] && !all))
    return mw_error_set(err, MW_DATA, "'%s' of every %llu elements of rows of %llu: it must divide them", word_of(op).text,
                        (unsigned long long)extra[0], (unsigned long long)last);
  if (extra[0] > MW_GRAPH_RUN)
    return mw_error_set(err, MW_DATA, "'%s' along rows of more than %d elements", word_of(op).text, MW_GRAPH_RUN);
  if (op == MW_OP_ROW_QUANTILE && extra[1] >= extra[0])
    return mw_error_set(err, MW_DATA, "a rank of %llu is outside of %llu elements", (unsigned long long)extra[1],
                        (unsigned long long)extra[0]);
  if (op == MW_OP_ROW_RANK || !rank) return true;
  memcpy(dims, mw_graph_dims(graph, *shape), rank * sizeof *dims);
  dims[rank - 1] = last / extra[0];
  return mw_graph_shape(graph, dims, rank, shape, err);
}

/* Along columns: one value for each element of the last dimension. */
static bool check_cross(mw_graph *graph, mw_op op, const mw_node *o, uint32_t count, uint32_t *shape, mw_error *err) {
  uint64_t dims[64];
  if (op == MW_OP_COLUMN_KEPT) {
    *shape = shape_of(graph, o[0]);
    return mw_graph_facts(graph, o[0]).column || mw_error_set(err, MW_DATA, "only a vector along columns is kept");
  }
  if (op == MW_OP_COLUMN_TURNED) {
    MW_TRY(mw_rules_turned(graph, o[0], shape, err));
    dims[0] = 1, dims[1] = dim(graph, *shape, 1);
    bool fits = mw_graph_elements(graph, shape_of(graph, o[0])) == dims[1] && dims[1] <= MW_GRAPH_VECTOR;
    return fits ? mw_graph_shape(graph, dims, 2, shape, err)
                : mw_error_set(err, MW_DATA, "only a vector of one value a row, of %d at most, is turned", MW_GRAPH_VECTOR);
  }
  for (uint32_t i = 0; i < count; i++) {
    mw_graph_node_facts facts = mw_graph_facts(graph, o[i]);
    if (facts.whole) return mw_error_set(err, MW_DATA, "'%s' along columns of what a network computes", word_of(op).text);
    MW_TRY(need_tensor(graph, op, o[i], err));
    if (facts.over) return mw_error_set(err, MW_DATA, "'%s' along columns of a vector, which is no tensor", word_of(op).text);
  }
  MW_TRY(common(graph, op, o, count, shape, err));
  unsigned rank = mw_graph_rank(graph, *shape);
  if (!rank || !mw_graph_elements(graph, *shape))
    return mw_error_set(err, MW_DATA, "'%s' along columns of a tensor without elements or dimensions", word_of(op).text);
  for (unsigned d = 0; d < rank; d++) dims[d] = d + 1 < rank ? 1 : dim(graph, *shape, d);
  if (dims[rank - 1] > MW_GRAPH_VECTOR)
    return mw_error_set(err, MW_DATA, "'%s' along more than %d columns", word_of(op).text, MW_GRAPH_VECTOR);
  return mw_graph_shape(graph, dims, rank, shape, err);
}

bool mw_rules_turned(mw_graph *graph, mw_node vector, uint32_t *shape, mw_error *err) {
  mw_graph_node_facts facts = mw_graph_facts(graph, vector);
  if (!facts.over || facts.column || mw_graph_rank(graph, facts.over) != 2)
    return mw_error_set(err, MW_DATA, "only a vector along the rows of a matrix is turned");
  uint64_t dims[2] = {dim(graph, facts.over, 1), dim(graph, facts.over, 0)};
  return mw_graph_shape(graph, dims, 2, shape, err);
}

/* ---- networks ---- */

/* A tensor of `rank` dimensions that has at least one element. */
static bool need_rank(const mw_graph *graph, mw_op op, mw_node id, unsigned rank, mw_error *err) {
  MW_TRY(need_tensor(graph, op, id, err));
  uint32_t shape = shape_of(graph, id);
  return (mw_graph_rank(graph, shape) == rank && mw_graph_elements(graph, shape) > 0) ||
         mw_error_set(err, MW_DATA, "'%s' needs a tensor of %u dimensions here, not of %u", word_of(op).text, rank,
                      mw_graph_rank(graph, shape));
}

/* A parameter that must be finite and above `least` (or equal to it, if `equal`). */
static bool need_number(mw_op op, uint64_t bits, bool equal, mw_error *err) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return (isfinite(value) && (value > 0 || (equal && value == 0))) ||
         mw_error_set(err, MW_DATA, "'%s' has a parameter that is not a number above zero", word_of(op).text);
}

static bool need_tokens(const mw_graph *graph, mw_op op, mw_node x, mw_node tokens, mw_error *err) {
  if (op_of(graph, tokens) != MW_OP_TOKENS) return mw_error_set(err, MW_DATA, "'%s' needs the tokens of a batch", word_of(op).text);
  return dim(graph, shape_of(graph, tokens), 0) == dim(graph, shape_of(graph, x), 0) ||
         wrong(graph, op, x, tokens, "of different batches", err);
}

static bool misfit(mw_op op, const char *what, mw_error *err) {
  return mw_error_set(err, MW_DATA, "'%s': %s", word_of(op).text, what);
}

static bool check_attention(const mw_graph *graph, const mw_node *o, const uint64_t extra[2], mw_error *err) {
  mw_op op = MW_OP_ATTENTION;
  for (int i = 0; i < 3; i++) MW_TRY(need_rank(graph, op, o[i], 2, err));
  const mw_graph_heads packed = mw_graph_heads_of(extra);
  uint64_t heads = packed.query, kv = packed.key_value, rows = dim(graph, shape_of(graph, o[0]), 0);
  uint64_t q = dim(graph, shape_of(graph, o[0]), 1), k = dim(graph, shape_of(graph, o[1]), 1);
  if (heads == 0 || kv == 0 || heads % kv || q % heads) return misfit(op, "its heads do not divide the width of the queries", err);
  if (k != q / heads * kv || dim(graph, shape_of(graph, o[1]), 0) != rows)
    return wrong(graph, op, o[0], o[1], "that do not have these heads", err);
  if (shape_of(graph, o[1]) != shape_of(graph, o[2])) return wrong(graph, op, o[1], o[2], "of different shapes", err);
  return (extra[0] && rows % extra[0] == 0) || misfit(op, "the length of a window does not divide the rows", err);
}

static bool check_rope(const mw_graph *graph, const mw_node *o, uint32_t count, const uint64_t extra[2], mw_error *err) {
  MW_TRY(need_rank(graph, MW_OP_ROPE, o[0], 2, err));
  uint32_t shape = shape_of(graph, o[0]);
  if (extra[0] == 0 || dim(graph, shape, 0) % extra[0])
    return misfit(MW_OP_ROPE, "the length of a window does not divide the rows", err);
  if (extra[1] == 0 || extra[1] % 2 || dim(graph, shape, 1) % extra[1] || count - 1 != extra[1] / 2)
    return misfit(MW_OP_ROPE, "a head needs an even width that divides the rows' and one frequency for two columns", err);
  for (uint32_t i = 1; i < count; i++) {
    double frequency;
    if (!mw_graph_is_number(graph, o[i], &frequency) || !isfinite(frequency))
      return misfit(MW_OP_ROPE, "frequencies are finite numbers", err);
  }
  return true;
}

/* Shapes of activations: the result has that of operand 0 unless said otherwise. */
static bool check_net(mw_graph *graph, mw_op op, const mw_node *o, uint32_t count, const uint64_t extra[2],
                      uint32_t *shape, mw_error *err) {
  for (uint32_t i = 0; i < count; i++)
    if (mw_graph_facts(graph, o[i]).over) return mw_error_set(err, MW_DATA, "'%s' of a vector along rows", word_of(op).text);
  if (op == MW_OP_EMBED) {
    if (op_of(graph, o[0]) != MW_OP_TOKENS) return mw_error_set(err, MW_DATA, "'%s' needs the tokens of a batch", word_of(op).text);
    MW_TRY(need_rank(graph, op, o[1], 2, err));
    uint64_t dims[2] = {dim(graph, shape_of(graph, o[0]), 0), dim(graph, shape_of(graph, o[1]), 1)};
    return mw_graph_shape(graph, dims, 2, shape, err);
  }
  MW_TRY(need_rank(graph, op, o[0], 2, err));
  uint32_t x = *shape = shape_of(graph, o[0]);
  switch (op) {
  case MW_OP_LINEAR: {
    MW_TRY(need_rank(graph, op, o[1], 2, err));
    /* BLAS takes sizes as ints. */
    if (dim(graph, x, 1) > INT32_MAX || dim(graph, shape_of(graph, o[1]), 0) > INT32_MAX)
      return misfit(op, "a width beyond 2^31", err);
    if (dim(graph, x, 1) != dim(graph, shape_of(graph, o[1]), 1)) return wrong(graph, op, o[0], o[1], "of different widths", err);
    uint64_t dims[2] = {dim(graph, x, 0), dim(graph, shape_of(graph, o[1]), 0)};
    return mw_graph_shape(graph, dims, 2, shape, err);
  }
  case MW_OP_LAYER_NORM:
    MW_TRY(need_rank(graph, op, o[2], 1, err));
    if (shape_of(graph, o[1]) != shape_of(graph, o[2])) return wrong(graph, op, o[1], o[2], "of different shapes", err);
    MW_TRY(need_number(op, extra[0], true, err));
    /* fallthrough */
  case MW_OP_BIAS:
    MW_TRY(need_rank(graph, op, o[1], 1, err));
    return dim(graph, shape_of(graph, o[1]), 0) == dim(graph, x, 1) || wrong(graph, op, o[0], o[1], "of different widths", err);
  case MW_OP_RMS_NORM:
    MW_TRY(need_rank(graph, op, o[1], 1, err) && need_number(op, extra[0], true, err));
    return dim(graph, x, 1) % dim(graph, shape_of(graph, o[1]), 0) == 0 || wrong(graph, op, o[0], o[1], "of different widths", err);
  case MW_OP_ROPE: return check_rope(graph, o, count, extra, err);
  case MW_OP_ATTENTION: return check_attention(graph, o, extra, err);
  case MW_OP_GELU: return extra[0] <= 1 || misfit(op, "there is the form 0, by erf, and 1, by tanh", err);
  case MW_OP_KL: MW_TRY(need_number(op, extra[0], false, err)); /* fallthrough */
  case MW_OP_MSE:
    MW_TRY(need_rank(graph, op, o[1], 2, err));
    if (shape_of(graph, o[1]) != x) return wrong(graph, op, o[0], o[1], "of different shapes", err);
    *shape = 0;
    return need_tokens(graph, op, o[0], o[2], err);
  case MW_OP_CROSS_ENTROPY:
  case MW_OP_ENTROPY: *shape = 0; return need_tokens(graph, op, o[0], o[1], err);
  default: return true; /* SILU, SOFTMAX, LOG_SOFTMAX */
  }
}

/* ---- statistics of data ---- */

/* The operands are a network's: what is not, or depends on what is learned or found from data itself, has no statistics. */
static bool check_data(mw_graph *graph, mw_op op, const mw_node *o, const uint64_t extra[2], uint32_t *shape, mw_error *err) {
  mw_graph_node_facts of = mw_graph_facts(graph, o[0]);
  if (!of.whole) return mw_error_set(err, MW_DATA, "'%s' of what depends on no data", word_of(op).text);
  if (of.learned) return mw_error_set(err, MW_DATA, "'%s' of a network that is being learned", word_of(op).text);
  if (op == MW_OP_GRADIENT || op == MW_OP_FISHER) {
    mw_graph_node_facts by = mw_graph_facts(graph, o[1]);
    MW_TRY(need_scalar(graph, op, o[0], err) && need_tensor(graph, op, o[1], err));
    if (by.whole || by.over) return mw_error_set(err, MW_DATA, "'%s' is by the tensors of a model", word_of(op).text);
    *shape = by.shape;
    return true;
  }
  MW_TRY(need_rank(graph, op, o[0], 2, err));
  uint64_t n = dim(graph, of.shape, 1), dims[2] = {n, n};
  if (op == MW_OP_GRAM) return mw_graph_shape(graph, dims, 2, shape, err);
  if (extra[0] > 1 || extra[1] > (extra[0] ? 1 : 2)) return misfit(op, "a kind that is not known", err);
  return mw_graph_shape(graph, dims, 1, shape, err);
}

/* ---- all classes ---- */

bool mw_rules_check(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, const uint64_t extra[2],
                    uint32_t *shape, mw_error *err) {
  *shape = 0;
  switch (mw_graph_op_class(op)) {
  case MW_CLASS_MAP:
    if (op >= MW_OP_AS_BF16 && op <= MW_OP_AS_F64) MW_TRY(need_tensor(graph, op, operands[0], err));
    return common(graph, op, operands, count, shape, err);
  case MW_CLASS_MASK:
    MW_TRY(need_tensor(graph, op, operands[0], err));
    MW_TRY(need_scalar(graph, op, operands[1], err) && need_scalar(graph, op, operands[2], err));
    return common(graph, op, operands, 1, shape, err);
  case MW_CLASS_CHANCE:
    MW_TRY(need_tensor(graph, op, operands[0], err));
    if (op == MW_OP_BERNOULLI_EACH) {
      MW_TRY(need_tensor(graph, op, operands[1], err));
      return common(graph, op, operands, 2, shape, err);
    }
    if (count == 2) MW_TRY(need_scalar(graph, op, operands[1], err));
    return common(graph, op, operands, 1, shape, err);
  case MW_CLASS_ROW: return check_row(graph, op, operands, count, extra, shape, err);
  case MW_CLASS_COLUMN: {
    MW_TRY(need_tensor(graph, op, operands[0], err));
    uint32_t x = shape_of(graph, operands[0]), v = shape_of(graph, operands[1]);
    unsigned rank = mw_graph_rank(graph, x);
    if (mw_graph_facts(graph, operands[0]).over) return mw_error_set(err, MW_DATA, "scale_columns needs a tensor, not a vector");
    if (op_of(graph, operands[1]) != MW_OP_VECTOR || rank == 0 || dim(graph, x, rank - 1) != mw_graph_elements(graph, v))
      return mw_error_set(err, MW_DATA, "scale_columns needs one number for each column (the last dimension)");
    return common(graph, op, operands, 1, shape, err);
  }
  case MW_CLASS_SUM:
    for (uint32_t i = 0; i < count; i++) MW_TRY(need_tensor(graph, op, operands[i], err));
    MW_TRY(common(graph, op, operands, count, shape, err));
    *shape = 0;
    return true;
  case MW_CLASS_SELECT: return check_select(graph, op, operands, count, extra, err);
  case MW_CLASS_VECTOR:
    MW_TRY(need_tensor(graph, op, operands[0], err));
    MW_TRY(common(graph, op, operands, 1, shape, err));
    return mw_graph_elements(graph, *shape) <= MW_GRAPH_VECTOR ||
           mw_error_set(err, MW_DATA, "a vector of more than %d elements", MW_GRAPH_VECTOR);
  case MW_CLASS_CROSS: return check_cross(graph, op, operands, count, shape, err);
  case MW_CLASS_NET: return check_net(graph, op, operands, count, extra, shape, err);
  case MW_CLASS_DATA: return check_data(graph, op, operands, extra, shape, err);
  case MW_CLASS_MATRIX: return mw_matrix_rules_check(graph, op, operands, count, extra, shape, err);
  case MW_CLASS_VIEW: return mw_view_check(graph, op, operands, count, extra, shape, err);
  case MW_CLASS_LEAF:
  case MW_CLASS_FILL:
  case MW_CLASS_SPREAD:
  case MW_CLASS_FUSED: break;
  }
  return mw_error_set(err, MW_DATA, "'%s' is not an operation of recipes", word_of(op).text);
}
