/* fingerprint.c: see fingerprint.h. A file that was written again has other times or another inode, even if its size is the same. */
#include "model/fingerprint.h"

#include <string.h>

#include "base/sha256.h"
#include "model/adapted.h"
#include "model/gathered.h"

static void add_number(mw_sha256 *hash, uint64_t number) { mw_sha256_add(hash, &number, sizeof number); }

static void put_file(const mw_family_member *member, const mw_file *file, bool shared, mw_text *out) {
  mw_text_escaped escaped[2];
  const char *slash = strrchr(file->path, '/');
  mw_text_format(out, "the file %s of %s: %llu %llu %llu %lld %lld\n", mw_text_escape_z(&escaped[0], slash ? slash + 1 : file->path),
                 mw_text_escape_z(&escaped[1], member->label), (unsigned long long)file->size,
                 shared ? 0 : (unsigned long long)file->device,
                 (unsigned long long)file->inode, (long long)file->modified_ns, (long long)file->changed_ns);
}

/* Where a tensor lies in its file. */
static void add_place(mw_sha256 *hash, const mw_tensor *tensor) {
  const mw_tensor *source = mw_model_source(tensor);
  add_number(hash, tensor->made);
  add_number(hash, source->file);
  add_number(hash, source->offset);
  add_number(hash, mw_tensor_bytes(source));
  add_number(hash, source->dtype);
}

/* Their scales are from adapter_config.json, which is no file of tensors. */
static void add_changes(mw_sha256 *hash, const mw_adapted *adapted) {
  for (size_t i = 0; i < adapted->count; i++) {
    const mw_adapted_change *change = &adapted->changes[i];
    const mw_tensor *parts[] = {change->left, change->right, change->magnitude, change->second_left, change->second_right};
    mw_sha256_add(hash, &change->scale, sizeof change->scale);
    add_number(hash, change->rank * 2 + change->turned);
    if (change->kind != MW_ADAPTED_LORA) add_number(hash, change->kind);
    if (change->kind == MW_ADAPTED_ROWS) mw_sha256_add(hash, change->replaced, change->rank * sizeof *change->replaced);
    if (change->experts) add_number(hash, change->experts), add_number(hash, change->expert), add_number(hash, change->first);
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
      if (parts[p]) add_place(hash, parts[p]);
  }
}

/* The rows of other models, and means, are from a tokenizer and rules, which are no files of tensors. */
static void add_rows(mw_sha256 *hash, const mw_gathered *gathered) {
  const mw_gathered_rows *rows = gathered->rows;
  for (size_t s = 0; s < gathered->source_count; s++) add_place(hash, &gathered->sources[s].tensor);
  mw_sha256_add(hash, rows->rows, rows->count * sizeof *rows->rows);
  mw_sha256_add(hash, rows->means, rows->mean_count * sizeof *rows->means);
  mw_sha256_add(hash, rows->parts, rows->part_count * sizeof *rows->parts);
}

static void put_tensors(const mw_family_member *member, mw_text *out) {
  mw_sha256 hash;
  char hex[65];
  mw_text_escaped shown;
  mw_sha256_init(&hash);
  for (size_t i = 0; i < member->count; i++) {
    const mw_tensor *tensor = &member->tensors[i];
    mw_sha256_add(&hash, tensor->name, strlen(tensor->name) + 1);
    add_place(&hash, tensor);
    add_number(&hash, member->kept[i]);
    if (tensor->made == MW_TENSOR_ADAPTED) add_changes(&hash, tensor->adapted);
    if (tensor->made == MW_TENSOR_GATHERED) add_rows(&hash, tensor->gathered);
  }
  mw_sha256_finish(&hash, hex);
  mw_text_format(out, "the tensors of %s: %s\n", mw_text_escape_z(&shown, member->label), hex);
}

static bool put_inputs(const mw_input_set *inputs, bool shared, mw_text *out, mw_error *err) {
  for (size_t m = 0; m < inputs->count; m++) {
    const mw_model *model = inputs->members[m].model;
    for (size_t f = 0; f < model->file_count; f++) put_file(&inputs->members[m], &model->files[f], shared, out);
    put_tensors(&inputs->members[m], out);
  }
  return mw_text_check(out, err);
}

bool mw_fingerprint_inputs(const mw_input_set *inputs, mw_text *out, mw_error *err) { return put_inputs(inputs, false, out, err); }

bool mw_fingerprint_shared(const mw_input_set *inputs, mw_text *out, mw_error *err) { return put_inputs(inputs, true, out, err); }
