/* layout.c: tensors fill shards in name order, as much as fits; within each file they are in the reference writer's order. As in
 * huggingface_hub, a shard gets its number when it is closed. A tensor larger than the limit is a shard of its own and closed at
 * once, so it comes before the shard that is being filled. For example, with a limit of 5 and tensors a 2, b 7, c 2: shard 1 is
 * b, shard 2 is a and c. The index looks as Python's json.dumps(indent=2, sort_keys=True) prints it, which transformers uses. */
#include "output/layout.h"
#include "base/json_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNPLACED UINT32_MAX

static bool copy_tensors(mw_layout *layout, const mw_tensor *tensors, size_t count, mw_error *err) {
  if (count > SIZE_MAX / sizeof *tensors) return mw_error_memory(err, SIZE_MAX);
  layout->tensors = mw_mem_take(&layout->arena, count * sizeof *tensors, err);
  MW_TRY(layout->tensors != NULL);
  layout->count = count;
  for (size_t i = 0; i < count; i++) {
    size_t bytes = tensors[i].rank * sizeof(uint64_t);
    uint64_t *shape = mw_mem_take(&layout->arena, bytes, err);
    MW_TRY(shape != NULL);
    if (bytes) memcpy(shape, tensors[i].shape, bytes);
    layout->tensors[i] = tensors[i];
    layout->tensors[i].shape = shape;
    layout->tensors[i].file = UNPLACED;
  }
  return true;
}

/* The part that a tensor's name begins with, or part_count. */
static size_t part_of(const mw_layout *layout, const mw_tensor *tensor) {
  const mw_layout_names *names = &layout->names;
  for (size_t p = 0; p < names->part_count; p++) {
    size_t length = strlen(names->parts[p]);
    if (strncmp(tensor->name, names->parts[p], length) == 0 && tensor->name[length] == '/') return p;
  }
  return names->part_count;
}

/* Gives the next number to the open shard: all tensors of [first, end) that have none yet. */
static void close_shard(mw_layout *layout, size_t first, size_t end) {
  for (size_t i = first; i < end; i++)
    if (layout->tensors[i].file == UNPLACED && part_of(layout, &layout->tensors[i]) == layout->names.part_count)
      layout->tensors[i].file = (uint32_t)layout->shard_count;
  layout->shard_count++;
}

const char *mw_layout_name_of(const mw_layout *layout, const mw_tensor *tensor) {
  return tensor->file < layout->root_count ? tensor->name : tensor->name - strlen(layout->filled[tensor->file - layout->root_count]) - 1;
}

/* One file a part, numbered behind the shards of the root; its tensors lose the part's name. */
static bool fill_parts(mw_layout *layout, mw_error *err) {
  layout->root_count = layout->shard_count;
  layout->filled = mw_mem_take(&layout->arena, (layout->names.part_count + 1) * sizeof *layout->filled, err);
  MW_TRY(layout->filled != NULL);
  for (size_t p = 0; p < layout->names.part_count; p++) {
    bool any = false;
    for (size_t i = 0; i < layout->count; i++) {
      mw_tensor *tensor = &layout->tensors[i];
      if (tensor->file != UNPLACED || part_of(layout, tensor) != p) continue;
      tensor->file = (uint32_t)layout->shard_count;
      tensor->name += strlen(layout->names.parts[p]) + 1;
      any = true;
    }
    if (any) layout->filled[layout->shard_count++ - layout->root_count] = layout->names.parts[p];
  }
  return true;
}

static bool fill_shards(mw_layout *layout, uint64_t limit, mw_error *err) {
  size_t first = 0;
  uint64_t filled = 0;
  bool open = false;
  if (layout->count >= UNPLACED) return mw_error_set(err, MW_DATA, "the output would have %zu tensors", layout->count);
  for (size_t i = 0; i < layout->count; i++) {
    mw_tensor *tensor = &layout->tensors[i];
    uint64_t bytes = mw_tensor_bytes(tensor);
    if (part_of(layout, tensor) < layout->names.part_count) continue;
    if (__builtin_add_overflow(layout->total_size, bytes, &layout->total_size) || layout->total_size > INT64_MAX)
      return mw_error_set(err, MW_DATA, "the output would be larger than any file system allows");
    if (bytes > limit) {
      tensor->file = (uint32_t)layout->shard_count++;
      continue;
    }
    if (open && bytes > limit - filled) {
      close_shard(layout, first, i);
      open = false;
    }
    if (!open) {
      first = i;
      filled = 0;
      open = true;
    }
    filled += bytes;
  }
  if (open || layout->shard_count == 0) close_shard(layout, first, layout->count);
  return fill_parts(layout, err);
}

static const char *shard_name(mw_layout *layout, size_t index, mw_error *err) {
  mw_text name = {0};
  const char *stem = layout->names.stem;
  if (index >= layout->root_count)
    mw_text_format(&name, "%s/model" MW_SAFETENSORS_ENDING, layout->filled[index - layout->root_count]);
  else if (layout->root_count == 1) mw_text_format(&name, "%s" MW_SAFETENSORS_ENDING, stem);
  else mw_text_format(&name, "%s-%05zu-of-%05zu" MW_SAFETENSORS_ENDING, stem, index + 1, layout->root_count);
  const char *kept = mw_text_check(&name, err) ? mw_mem_copy(&layout->arena, name.bytes, name.length, err) : NULL;
  mw_text_free(&name);
  return kept;
}

/* `members` are the shard's tensors in any order; they are sorted here. */
static bool place_tensors(mw_layout_file *shard, mw_tensor **members, size_t count, const char *metadata, mw_error *err) {
  qsort(members, count, sizeof *members, mw_safetensors_order);
  if (!mw_safetensors_header(members, count, metadata, &shard->header, err)) return mw_error_wrap(err, "%s", shard->name);
  shard->size = shard->header.length;
  for (size_t i = 0; i < count; i++) shard->size += mw_tensor_bytes(members[i]);
  return true;
}

/* Sorts the tensors by shard (counting sort) and writes each shard's header. */
static bool make_shards(mw_layout *layout, mw_error *err) {
  size_t *ends = mw_mem_take(&layout->arena, (layout->shard_count + 1) * sizeof *ends, err);
  MW_TRY(ends != NULL);
  mw_tensor **sorted = mw_mem_take(&layout->arena, layout->count * sizeof *sorted, err);
  MW_TRY(sorted != NULL);
  layout->shards = mw_mem_take(&layout->arena, layout->shard_count * sizeof *layout->shards, err);
  MW_TRY(layout->shards != NULL);
  for (size_t i = 0; i < layout->count; i++) ends[layout->tensors[i].file + 1]++;
  for (size_t s = 0; s < layout->shard_count; s++) ends[s + 1] += ends[s];
  for (size_t i = 0; i < layout->count; i++) sorted[ends[layout->tensors[i].file]++] = &layout->tensors[i];
  /* Now ends[s] is where shard s ends, and so where shard s + 1 begins. */
  for (size_t s = 0, begin = 0; s < layout->shard_count; begin = ends[s++]) {
    layout->shards[s].name = shard_name(layout, s, err);
    MW_TRY(layout->shards[s].name != NULL);
    MW_TRY(place_tensors(&layout->shards[s], sorted + begin, ends[s] - begin, s < layout->root_count ? layout->names.metadata : NULL, err));
  }
  return true;
}

bool mw_layout_make(const mw_tensor *tensors, size_t count, uint64_t shard_size, const mw_layout_names *names, mw_layout *out,
                    mw_error *err) {
  *out = (mw_layout){.names = *names};
  if (copy_tensors(out, tensors, count, err) && fill_shards(out, shard_size, err) && make_shards(out, err)) return true;
  mw_layout_free(out);
  return false;
}

void mw_layout_free(mw_layout *layout) {
  for (size_t s = 0; layout->shards && s < layout->shard_count; s++) mw_text_free(&layout->shards[s].header);
  mw_mem_release(&layout->arena);
  *layout = (mw_layout){0};
}

bool mw_layout_index(const mw_layout *layout, mw_text *out, mw_error *err) {
  mw_json_writer json = {.out = out, .layout = MW_JSON_WRITER_INDENTED, .ascii = true, .streamed = 2};
  uint64_t parameters = 0;
  for (size_t i = 0; i < layout->count; i++)
    if (layout->tensors[i].file < layout->root_count) parameters += mw_tensor_elements(&layout->tensors[i]);
  mw_json_writer_object(&json, NULL);
  mw_json_writer_object(&json, "metadata");
  mw_json_writer_u64(&json, "total_parameters", parameters);
  mw_json_writer_u64(&json, "total_size", layout->total_size);
  mw_json_writer_end(&json);
  mw_json_writer_object(&json, "weight_map");
  for (size_t i = 0; i < layout->count; i++)
    if (layout->tensors[i].file < layout->root_count)
      mw_json_writer_string(&json, layout->tensors[i].name, layout->shards[layout->tensors[i].file].name);
  mw_json_writer_end(&json);
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
}
