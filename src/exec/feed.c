/* feed.c: each view reads in pieces that are as long as its layout lets them be: rows of a slice or a join in one piece, columns row by
 * row, or whole rows by way of a buffer where a row is short; rows of a table that follow one another in one piece. */
#include "exec/feed.h"
#include <stdlib.h>
#include <string.h>

/* Elements of a buffer: of a view for whole rows, of an input of a program. */
enum { ROOM = 32 << 10, CHUNK = 8 << 10, BAND = 32, WIDEST = sizeof(double), SLACK = 64 };

struct mw_feed {
  const mw_job *job;
  mw_graph_node_facts facts;
  size_t size;          /* bytes of an element as it is read */
  uint64_t rows, width; /* of a tensor with the view's shape: its first dimension; its last one */
  uint64_t row;         /* elements of one of `rows` */
  mw_feed **parts;      /* of a view: its operands; of a program: its inputs */
  size_t part_count;
  const unsigned char *memory; /* of a coefficient or matrix */
  unsigned char *room;  /* of a view that moves elements: ROOM of them */
  bool computed;
  mw_program program;   /* if computed: of the node, stored as `dtype` */
  mw_tile tile;
  mw_dtype dtype;
  mw_dtype *dtypes;
  double *scalars;
  const void **vectors;
  const unsigned char **inputs;
  unsigned char *buffer;
  uint64_t chunk;        /* elements that the program computes at a time */
  unsigned char *stretch; /* of a program of whole rows: the stretch that begins at element stretch_at */
  uint64_t stretch_at;
};

typedef struct opening {
  const mw_job *job;
  const mw_kernels *kernels;
  size_t tile;
  mw_values *values;
  mw_error *err;
} opening;

static bool is_view(mw_op op) { return mw_graph_op_class(op) == MW_CLASS_VIEW; }
static bool moves(mw_op op) { return op == MW_OP_SLICE_COLUMNS || op == MW_OP_JOIN_COLUMNS || op == MW_OP_TRANSPOSE; }

/* What a program computes at a time: a stretch of whole rows, if it needs these. */
static uint64_t chunk_of(const mw_program *program) { return program->quantum ? program->quantum : CHUNK; }

/* ---- opening ---- */

static bool open(const opening *o, mw_node node, mw_dtype dtype, mw_feed **out);

static mw_program_root root_of(mw_node node) { return (mw_program_root){.node = node, .store = true}; }

/* The dtype in which an input of a program is read. */
static mw_dtype dtype_of(mw_graph_node_facts facts) { return facts.dtype; }

static bool open_program(const opening *o, mw_feed *feed, mw_node node) {
  mw_program *p = &feed->program;
  const mw_program_root root = root_of(node);
  MW_TRY(mw_program_compile(p, o->job->graph, &root, 1, o->err));
  feed->computed = true;
  feed->tile.f64 = feed->facts.f64;
  feed->tile.kernels = &o->kernels->type[feed->facts.f64];
  feed->tile.size = o->tile;
  feed->scalars = mw_mem_new(p->scalar_count + 1, sizeof *feed->scalars, o->err);
  feed->vectors = mw_mem_new(p->vector_count + 1, sizeof *feed->vectors, o->err);
  feed->dtypes = mw_mem_new(p->input_count + 1, sizeof *feed->dtypes, o->err);
  feed->inputs = mw_mem_new(p->input_count + 1, sizeof *feed->inputs, o->err);
  feed->parts = mw_mem_new(p->input_count + 1, sizeof *feed->parts, o->err);
  feed->chunk = chunk_of(p);
  feed->buffer = mw_mem_new(p->input_count + 1, feed->chunk * WIDEST + SLACK, o->err);
  feed->stretch_at = UINT64_MAX;
  if (p->quantum && !(feed->stretch = mw_mem_new(feed->chunk + SLACK, WIDEST, o->err))) return false;
  if (!feed->scalars || !feed->vectors || !feed->dtypes || !feed->inputs || !feed->parts || !feed->buffer) return false;
  for (size_t i = 0; i < p->scalar_count; i++) MW_TRY(mw_values_get(o->values, p->scalars[i], &feed->scalars[i], o->err));
  for (size_t i = 0; i < p->vector_count; i++) {
    mw_values_vector *vector;
    MW_TRY(mw_values_make(o->values, p->vectors[i], &vector, o->err));
    feed->vectors[i] = feed->facts.f64 ? (void *)vector->f64 : (void *)vector->f32;
  }
  for (size_t i = 0; i < p->input_count; i++) {
    feed->dtypes[i] = dtype_of(mw_graph_facts(o->job->graph, p->inputs[i]));
    feed->inputs[i] = feed->buffer + i * (feed->chunk * WIDEST + SLACK);
    MW_TRY(open(o, p->inputs[i], feed->dtypes[i], &feed->parts[feed->part_count]));
    feed->part_count++;
  }
  return mw_tile_bind(&feed->tile, o->job->graph, p, NULL, feed->dtype, feed->scalars, o->err);
}

static bool open_view(const opening *o, mw_feed *feed) {
  const mw_graph_node_facts facts = feed->facts;
  feed->parts = mw_mem_new(facts.operands, sizeof *feed->parts, o->err);
  if (!feed->parts || (moves(facts.op) && !(feed->room = mw_mem_new(ROOM, feed->size, o->err)))) return false;
  for (uint32_t i = 0; i < facts.operands; i++) {
    MW_TRY(open(o, facts.operand[i], feed->dtype, &feed->parts[i]));
    feed->part_count++;
  }
  return true;
}

/* A feed that reads a node as `dtype`. What is stored in another one, or not stored, is computed. */
static bool open(const opening *o, mw_node node, mw_dtype dtype, mw_feed **out) {
  const mw_graph *graph = o->job->graph;
  mw_feed *feed = *out = mw_mem_new(1, sizeof *feed, o->err);
  if (!feed) return false;
  feed->job = o->job;
  feed->facts = mw_graph_facts(graph, node);
  feed->dtype = dtype;
  feed->size = mw_dtype_size(dtype);
  unsigned rank = mw_graph_rank(graph, feed->facts.shape);
  const uint64_t *dims = mw_graph_dims(graph, feed->facts.shape);
  uint64_t elements = mw_graph_elements(graph, feed->facts.shape);
  feed->rows = rank ? dims[0] : 1;
  feed->width = rank ? dims[rank - 1] : 1;
  feed->row = feed->rows ? elements / feed->rows : 0;
  bool as_it_is = (mw_graph_is_memory(feed->facts.op) || mw_graph_is_stored(feed->facts.op)) && feed->facts.dtype == dtype, ok = true;
  const void *memory = NULL;
  if (!as_it_is) ok = open_program(o, feed, node);
  else if (mw_graph_is_memory(feed->facts.op)) ok = mw_values_memory(o->values, o->job, node, &memory, o->err);
  else if (is_view(feed->facts.op)) ok = open_view(o, feed);
  feed->memory = memory;
  if (ok) return true;
  mw_feed_close(feed);
  *out = NULL;
  return false;
}

bool mw_feed_open(const mw_job *job, const mw_kernels *kernels, size_t tile, mw_values *values, mw_node node, mw_dtype dtype, mw_feed **out,
                  mw_error *err) {
  opening o = {job, kernels, tile, values, err};
  return open(&o, node, dtype, out);
}

void mw_feed_close(mw_feed *feed) {
  if (!feed) return;
  for (size_t i = 0; i < feed->part_count; i++) mw_feed_close(feed->parts[i]);
  mw_tile_free(&feed->tile);
  mw_program_free(&feed->program);
  free(feed->parts);
  free(feed->room);
  free(feed->dtypes);
  free(feed->scalars);
  free(feed->vectors);
  free(feed->inputs);
  free(feed->buffer);
  free(feed->stretch);
  free(feed);
}

/* ---- reading ---- */

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static bool read_file(const mw_feed *feed, uint64_t start, uint64_t count, void *elements, mw_error *err) {
  const mw_tensor *tensor = mw_job_tensor(feed->job, feed->facts);
  const mw_model *model = mw_job_model(feed->job, feed->facts);
  if (mw_model_read(model, tensor, start * feed->size, elements, (size_t)count * feed->size, err)) return true;
  mw_text_escaped name;
  return err->status == MW_IO ? mw_error_wrap(err, "tensor '%s'", mw_text_escape_z(&name, tensor->name)) : false;
}

/* Runs the program on a chunk at a time, each of which begins where the one before has ended. */
static bool compute_chunk(mw_feed *feed, uint64_t start, uint64_t n, unsigned char *to, mw_error *err) {
  for (size_t i = 0; i < feed->part_count; i++)
    MW_TRY(mw_feed_read(feed->parts[i], start, n, (unsigned char *)(uintptr_t)feed->inputs[i], err));
  mw_tile_block block = {.start = start, .elements = feed->rows * feed->row, .count = (size_t)n, .inputs = feed->inputs,
                         .dtypes = feed->dtypes, .output = to, .output_dtype = feed->dtype,
                         .vectors = feed->vectors, .bad_input = -1};
  mw_tile_run(&feed->tile, feed->job->graph, &block); /* a NaN goes on to the result, which is looked at */
  return true;
}

/* Whole rows are computed aside, stretch by stretch; the last one stays, since the next range mostly goes on in it. */
static bool compute_rows(mw_feed *feed, uint64_t start, uint64_t count, unsigned char *to, mw_error *err) {
  const uint64_t all = feed->rows * feed->row;
  for (uint64_t done = 0, n; done < count; done += n) {
    const uint64_t within = (start + done) % feed->chunk, from = start + done - within, length = least(feed->chunk, all - from);
    n = least(length - within, count - done);
    if (feed->stretch_at != from) {
      feed->stretch_at = UINT64_MAX;
      MW_TRY(compute_chunk(feed, from, length, feed->stretch, err));
      feed->stretch_at = from;
    }
    memcpy(to + done * feed->size, feed->stretch + within * feed->size, (size_t)n * feed->size);
  }
  return true;
}

static bool compute(mw_feed *feed, uint64_t start, uint64_t count, unsigned char *to, mw_error *err) {
  if (feed->stretch) return compute_rows(feed, start, count, to, err);
  for (uint64_t done = 0, n; done < count; done += n) {
    n = least(count - done, feed->chunk);
    MW_TRY(compute_chunk(feed, start + done, n, to + done * feed->size, err));
  }
  return true;
}

/* Elements [start, start + n) of a view of columns [first, first + width) of its part. */
static bool read_columns(mw_feed *feed, uint64_t first, uint64_t start, uint64_t count, unsigned char *to, mw_error *err) {
  mw_feed *part = feed->parts[0];
  const uint64_t w = feed->width, all = part->width;
  for (uint64_t done = 0; done < count;) {
    uint64_t row = (start + done) / w, column = (start + done) % w, left = count - done, whole = column ? 0 : least(left / w, ROOM / all);
    uint64_t n = whole > 1 ? whole * w : least(w - column, left);
    if (whole > 1) {
      MW_TRY(mw_feed_read(part, row * all + first, (whole - 1) * all + w, feed->room, err));
      for (uint64_t r = 0; r < whole; r++)
        memcpy(to + (done + r * w) * feed->size, feed->room + r * all * feed->size, (size_t)w * feed->size);
    } else MW_TRY(mw_feed_read(part, row * all + first + column, n, to + done * feed->size, err));
    done += n;
  }
  return true;
}

/* Side by side: whole rows of every part in turn, where they are short; else the part that the next element is in. */
static bool join_columns(mw_feed *feed, uint64_t start, uint64_t count, unsigned char *to, mw_error *err) {
  const uint64_t w = feed->width;
  for (uint64_t done = 0; done < count;) {
    uint64_t row = (start + done) / w, column = (start + done) % w, left = count - done, whole = column ? 0 : least(left / w, ROOM / w);
    if (whole) {
      uint64_t at = 0;
      for (size_t p = 0; p < feed->part_count; at += feed->parts[p++]->width) {
        const uint64_t own = feed->parts[p]->width;
        MW_TRY(mw_feed_read(feed->parts[p], row * own, whole * own, feed->room, err));
        for (uint64_t r = 0; r < whole; r++)
          memcpy(to + (done + r * w + at) * feed->size, feed->room + r * own * feed->size, (size_t)own * feed->size);
      }
      done += whole * w;
      continue;
    }
    size_t p = 0;
    for (; column >= feed->parts[p]->width; p++) column -= feed->parts[p]->width;
    uint64_t own = feed->parts[p]->width, n = least(own - column, left);
    MW_TRY(mw_feed_read(feed->parts[p], row * own + column, n, to + done * feed->size, err));
    done += n;
  }
  return true;
}

/* Below one another: the parts' elements one behind the other. */
static bool join_rows(mw_feed *feed, uint64_t start, uint64_t count, unsigned char *to, mw_error *err) {
  for (size_t p = 0; p < feed->part_count && count; p++) {
    uint64_t own = feed->parts[p]->rows * feed->parts[p]->row;
    if (start >= own) {
      start -= own;
      continue;
    }
    uint64_t n = least(own - start, count);
    MW_TRY(mw_feed_read(feed->parts[p], start, n, to, err));
    to += n * feed->size;
    start = 0;
    count -= n;
  }
  return true;
}

static bool gather(mw_feed *feed, uint64_t start, uint64_t count, unsigned char *to, mw_error *err) {
  size_t entries;
  const uint32_t *rows = mw_graph_rows(feed->job->graph, feed->facts.extra[0], &entries);
  const uint64_t row = feed->row;
  for (uint64_t done = 0; done < count;) {
    uint64_t i = (start + done) / row, within = (start + done) % row, left = count - done, n = least(row - within, left);
    uint32_t from = rows[i];
    for (uint64_t next = i + 1; n < left && rows[next] == (from == MW_GRAPH_NO_ROW ? from : from + (next - i)); next++)
      n = least(n + row, left);
    if (from == MW_GRAPH_NO_ROW) memset(to + done * feed->size, 0, (size_t)n * feed->size);
    else MW_TRY(mw_feed_read(feed->parts[0], from * row + within, n, to + done * feed->size, err));
    done += n;
  }
  return true;
}

/* Elements 0, stride, 2 * stride ... of `from`, one behind the other. */
static void collect(unsigned char *to, const unsigned char *from, uint64_t stride, uint64_t count, size_t size) {
#define COLLECT(bytes) for (uint64_t i = 0; i < count; i++) memcpy(to + i * (bytes), from + i * stride * (bytes), bytes)
  if (size == 2) COLLECT(2);
  else if (size == 4) COLLECT(4);
  else if (size == 8) COLLECT(8);
  else COLLECT(1);
#undef COLLECT
}

/* Row i of the view is column i of the matrix, so the rows of a range are a strip of columns. It is read BAND rows at a time, whose
 * elements of a column are then BAND neighbours in the view: a cache line or two. */
static bool turn(mw_feed *feed, uint64_t start, uint64_t count, unsigned char *to, mw_error *err) {
  const uint64_t height = feed->width, across = feed->rows, first = start / height, last = (start + count - 1) / height;
  const size_t size = feed->size;
  for (uint64_t from = first, n; from <= last; from += n) {
    n = least(last + 1 - from, ROOM / BAND);
    for (uint64_t r = 0, m; r < height; r += m) {
      m = least(height - r, BAND);
      for (uint64_t k = 0; k < m; k++)
        MW_TRY(mw_feed_read(feed->parts[0], (r + k) * across + from, n, feed->room + k * n * size, err));
      for (uint64_t c = 0; c < n; c++) {
        const uint64_t at = (from + c) * height + r, begin = at < start ? least(start - at, m) : 0;
        const uint64_t end = at + m > start + count ? (at < start + count ? start + count - at : 0) : m;
        if (begin < end) collect(to + (at + begin - start) * size, feed->room + (begin * n + c) * size, n, end - begin, size);
      }
    }
  }
  return true;
}

bool mw_feed_read(mw_feed *feed, uint64_t start, uint64_t count, void *elements, mw_error *err) {
  if (!count) return true;
  if (feed->computed) return compute(feed, start, count, elements, err);
  switch (feed->facts.op) {
  case MW_OP_INPUT: return read_file(feed, start, count, elements, err);
  case MW_OP_SLICE_ROWS: return mw_feed_read(feed->parts[0], start + feed->facts.extra[0] * feed->row, count, elements, err);
  case MW_OP_SLICE_COLUMNS: return read_columns(feed, feed->facts.extra[0], start, count, elements, err);
  case MW_OP_JOIN_ROWS: return join_rows(feed, start, count, elements, err);
  case MW_OP_JOIN_COLUMNS: return join_columns(feed, start, count, elements, err);
  case MW_OP_GATHER: return gather(feed, start, count, elements, err);
  case MW_OP_RESHAPE: return mw_feed_read(feed->parts[0], start, count, elements, err);
  case MW_OP_TRANSPOSE: return turn(feed, start, count, elements, err);
  default: memcpy(elements, feed->memory + start * feed->size, (size_t)count * feed->size); return true; /* a coefficient or matrix */
  }
}

/* ---- what is below a view ---- */

typedef struct walk {
  const mw_graph *graph;
  mw_feed_visit visit; /* or NULL */
  void *context;
  size_t tile;
  uint64_t bytes;
  mw_error *err;
} walk;

static bool below(walk *w, mw_node node, mw_dtype dtype);

static bool below_program(walk *w, mw_node node, mw_graph_node_facts facts) {
  mw_program program = {0};
  const mw_program_root root = root_of(node);
  bool ok = mw_program_compile(&program, w->graph, &root, 1, w->err) && (!w->visit || w->visit(w->context, &program, w->err));
  const uint64_t chunk = chunk_of(&program);
  if (program.quantum) w->bytes += (chunk + SLACK) * WIDEST + mw_tile_kept_bytes(w->graph, &program, facts.f64);
  w->bytes += program.input_count * (chunk * WIDEST + SLACK) +
              program.registers * (w->tile * (facts.f64 ? sizeof(double) : sizeof(float)) + MW_LANES);
  for (size_t i = 0; i < program.input_count && ok; i++)
    ok = below(w, program.inputs[i], dtype_of(mw_graph_facts(w->graph, program.inputs[i])));
  mw_program_free(&program);
  return ok;
}

static bool below(walk *w, mw_node node, mw_dtype dtype) {
  mw_graph_node_facts facts = mw_graph_facts(w->graph, node);
  w->bytes += sizeof(mw_feed) + facts.operands * sizeof(mw_feed *);
  if (mw_graph_is_memory(facts.op) && facts.dtype == dtype) return true;
  if (!mw_graph_is_stored(facts.op) || facts.dtype != dtype) return below_program(w, node, facts);
  if (!is_view(facts.op)) return true;
  if (moves(facts.op)) w->bytes += ROOM * mw_dtype_size(dtype);
  for (uint32_t i = 0; i < facts.operands; i++) MW_TRY(below(w, facts.operand[i], dtype));
  return true;
}

bool mw_feed_programs(const mw_graph *graph, mw_node node, mw_dtype dtype, mw_feed_visit visit, void *context, mw_error *err) {
  walk w = {.graph = graph, .visit = visit, .context = context, .err = err};
  return below(&w, node, dtype);
}

bool mw_feed_bytes(const mw_graph *graph, mw_node node, mw_dtype dtype, size_t tile, uint64_t *bytes, mw_error *err) {
  walk w = {.graph = graph, .tile = tile, .err = err};
  bool ok = below(&w, node, dtype);
  *bytes = w.bytes;
  return ok;
}
