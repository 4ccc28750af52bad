/* masks.c: every task is compiled once to see what it draws, if anything in the graph is drawn so. */
#include "exec/masks.h"
#include <stdlib.h>
#include <string.h>

static bool any(const mw_graph *graph) {
  for (mw_node node = 1; node <= mw_graph_count(graph); node++)
    if (mw_graph_op(graph, node) == MW_OP_BERNOULLI_EACH) return true;
  return false;
}

static bool add_use(mw_masks *m, uint32_t task, mw_node node, uint64_t elements, mw_error *err) {
  if (!m->place[node]) {
    MW_TRY(mw_mem_grow(&m->masks, &m->capacity, m->count + 1, sizeof *m->masks, err));
    m->masks[m->count++] = (mw_mask){.node = node, .words = (elements + 63) / 64};
    m->place[node] = (uint32_t)m->count;
  }
  MW_TRY(mw_mem_grow(&m->uses, &m->use_capacity, m->use_count + 1, sizeof *m->uses, err));
  m->masks[m->place[node] - 1].uses++;
  m->uses[m->use_count++] = (mw_masks_use){task, m->place[node] - 1};
  return true;
}

/* What the task draws of all its elements. */
static bool find(mw_masks *m, const mw_job *job, mw_program *program, uint32_t t, mw_error *err) {
  const mw_schedule_task *task = &job->schedule->tasks[t];
  const size_t first = m->use_count;
  MW_TRY(mw_program_compile(program, job->graph, job->schedule->roots + task->first_root, task->root_count, err));
  for (size_t i = 0; i < program->length && program->run == 1; i++) {
    const mw_node node = program->code[i].node;
    if (program->code[i].code != MW_OP_BERNOULLI_EACH) continue;
    const uint64_t elements = mw_graph_elements(job->graph, mw_graph_facts(job->graph, node).shape);
    bool met = elements != task->elements;
    for (size_t u = first; u < m->use_count && !met; u++) met = m->masks[m->uses[u].mask].node == node;
    MW_TRY(met || add_use(m, t, node, elements, err));
  }
  return true;
}

bool mw_masks_new(mw_masks *m, const mw_job *job, mw_error *err) {
  *m = (mw_masks){0};
  if (job->ranks || !any(job->graph)) return true;
  mw_program program = {0};
  m->known = mw_mem_new(mw_graph_count(job->graph) + 1u, sizeof *m->known, err);
  bool ok = m->known && (m->place = mw_mem_new(mw_graph_count(job->graph) + 1u, sizeof *m->place, err));
  for (size_t t = 0; t < job->schedule->task_count && ok; t++) ok = find(m, job, &program, (uint32_t)t, err);
  mw_program_free(&program);
  return ok;
}

/* The first use of a task, or of one behind it. */
static size_t first_of(const mw_masks *m, uint32_t task) {
  size_t low = 0, high = m->use_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (m->uses[middle].task < task) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* Makes room for the bits; without it they are not kept. */
static bool reserve(mw_masks *m, mw_mask *mask) {
  mw_error ignored;
  const uint64_t bytes = mask->words * sizeof *mask->bits;
  if (mask->bits || m->held + bytes > MW_MASKS_MOST) return mask->bits != NULL;
  if (!(mask->bits = mw_mem_new((size_t)mask->words, sizeof *mask->bits, &ignored))) return false;
  m->held += bytes;
  return true;
}

mw_node mw_masks_take(mw_masks *m, uint32_t task, size_t *at) {
  for (size_t u = first_of(m, task) + *at; u < m->use_count && m->uses[u].task == task; u++) {
    mw_mask *mask = &m->masks[m->uses[u].mask];
    ++*at;
    if (m->known[mask->node] || mask->uses < 2 || !reserve(m, mask)) continue;
    mask->taken = true;
    return mask->node;
  }
  return 0;
}

void mw_masks_keep(mw_masks *m) {
  for (size_t i = 0; i < m->count; i++) {
    if (m->masks[i].taken) m->known[m->masks[i].node] = 1;
    m->masks[i].taken = false;
  }
}

void mw_masks_end(mw_masks *m, uint32_t first_task, uint32_t task_count) {
  for (size_t u = first_of(m, first_task); u < m->use_count && m->uses[u].task < first_task + task_count; u++) {
    mw_mask *mask = &m->masks[m->uses[u].mask];
    if (--mask->uses || !mask->bits) continue;
    free(mask->bits);
    mask->bits = NULL;
    m->known[mask->node] = 0;
    m->held -= mask->words * sizeof *mask->bits;
  }
}

const uint8_t *mw_masks_known(const mw_masks *m, const mw_graph *graph, const mw_program_root *roots, uint32_t count) {
  for (uint32_t r = 0; r < count; r++) {
    const mw_graph_class class = mw_graph_op_class(mw_graph_facts(graph, roots[r].node).op);
    if (!roots[r].store && !roots[r].remember && class != MW_CLASS_SELECT) return NULL;
  }
  return m->known;
}

uint64_t *mw_masks_bits(const mw_masks *m, mw_node node) { return m->place && m->place[node] ? m->masks[m->place[node] - 1].bits : NULL; }

/* Element i has bit i % 64 of word i / 64. ONE_...: the highest bits of 1.0 that 0 has not. */
enum { WORD = 64, ONE_F32 = 29, ONE_F64 = 61 };

void mw_masks_read(const void *bits, bool f64, void *dst, uint64_t start, size_t n) {
  const uint64_t *words = bits;
  const size_t size = f64 ? sizeof(double) : sizeof(float);
  for (size_t i = 0, count; i < n; i += count) {
    const unsigned first = (unsigned)((start + i) % WORD);
    const uint64_t word = words[(start + i) / WORD] >> first;
    double doubles[WORD];
    float floats[WORD];
    count = n - i < WORD - first ? n - i : WORD - first;
    for (size_t j = 0; j < count && f64; j++) doubles[j] = (double)(word >> j & 1);
    for (size_t j = 0; j < count && !f64; j++) floats[j] = (float)(int32_t)(word >> j & 1);
    memcpy((char *)dst + i * size, f64 ? (void *)doubles : (void *)floats, count * size);
  }
}

void mw_masks_write(uint64_t *bits, bool f64, const void *x, uint64_t start, size_t n) {
  const size_t size = f64 ? sizeof(double) : sizeof(float);
  for (size_t i = 0, count; i < n; i += count) {
    const unsigned first = (unsigned)((start + i) % WORD);
    uint64_t word = 0, doubles[WORD];
    uint32_t floats[WORD];
    count = n - i < WORD - first ? n - i : WORD - first;
    memcpy(f64 ? (void *)doubles : (void *)floats, (const char *)x + i * size, count * size);
    for (size_t j = 0; j < count && f64; j++) word |= (doubles[j] >> ONE_F64 & 1) << j;
    for (size_t j = 0; j < count && !f64; j++) word |= (uint64_t)(floats[j] >> ONE_F32 & 1) << j;
    __atomic_fetch_or(&bits[(start + i) / WORD], word << first, __ATOMIC_RELAXED);
  }
}

void mw_masks_free(mw_masks *m) {
  for (size_t i = 0; i < m->count; i++) free(m->masks[i].bits);
  free(m->masks);
  free(m->uses);
  free(m->known);
  free(m->place);
}
