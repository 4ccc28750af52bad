/* bad_input.c: inputs below a view are met by a walk over all that it depends on, each once. */
#include "exec/bad_input.h"
#include <stdlib.h>

static bool count_bad(const mw_job *job, const mw_kernels *kernels, mw_graph_node_facts facts, mw_error *err) {
  const mw_tensor *tensor = mw_job_tensor(job, facts);
  const mw_model *model = mw_job_model(job, facts);
  const mw_kernel_load load = kernels->type[1].load[facts.dtype];
  uint64_t elements = mw_tensor_elements(tensor), bad = 0, first = 0, step = 4096;
  _Alignas(double) unsigned char stored[4096 * 8];
  double values[4096];
  for (uint64_t at = 0; at < elements; at += step) {
    size_t n = (size_t)(elements - at < step ? elements - at : step);
    MW_TRY(mw_model_read(model, tensor, at * mw_dtype_size(facts.dtype), stored, n * mw_dtype_size(facts.dtype), err));
    if (!load(values, stored, n)) continue;
    for (size_t i = 0; i < n; i++) {
      if (values[i] - values[i] == 0) continue;
      if (!bad++) first = at + i;
    }
  }
  if (!bad) return true;
  mw_text_escaped name, path;
  mw_error_set(err, MW_DATA, "%s: tensor '%s': %llu of %llu values are NaN or infinite, the first at index %llu",
               mw_text_escape_z(&path, mw_model_path(model, tensor)), mw_text_escape_z(&name, tensor->name),
               (unsigned long long)bad, (unsigned long long)elements, (unsigned long long)first);
  return mw_error_hint(err, "give --nonfinite keep to merge it all the same");
}

bool mw_bad_input_report(const mw_job *job, const mw_kernels *kernels, mw_node input, mw_error *err) {
  uint8_t *below = mw_mem_new(input + 1u, sizeof *below, err);
  bool ok = below != NULL;
  if (ok) below[input] = 1;
  for (mw_node id = input; id > 0 && ok; id--) { /* operands have lower numbers than their users */
    if (!below[id]) continue;
    mw_graph_node_facts facts = mw_graph_facts(job->graph, id);
    if (facts.op == MW_OP_INPUT) ok = count_bad(job, kernels, facts, err);
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) below[facts.operand[i]] = 1;
  }
  free(below);
  return ok;
}
