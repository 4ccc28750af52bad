/* fuzz_safetensors.c: every tensor of an accepted file lies within it, apart from all others, and a header written for
 * them is accepted again with the same names, types and shapes. */
#include "base/utf8.h"
#include "folder.h"
#include "format/safetensors.h"
#include <sys/mman.h>

static mw_file file_of(const void *bytes, size_t length, uint64_t size) {
  static char path[] = "fuzzed.safetensors";
  static int fd = -1;
  if (fd < 0) fd = memfd_create("fuzz", 0);
  REQUIRE(fd >= 0);
  fuzz_fill(fd, path, bytes, length, size);
  return (mw_file){.path = path, .fd = fd, .size = size};
}

static void write_again(mw_tensor *tensors, size_t count) {
  mw_tensor **order = malloc((count + 1) * sizeof *order);
  mw_tensor_list found = {0};
  mw_text header = {0};
  mw_arena arena = {0};
  mw_error err;
  uint64_t data = 0;
  REQUIRE(order != NULL);
  for (size_t i = 0; i < count; i++) order[i] = &tensors[i], data += mw_tensor_bytes(&tensors[i]);
  qsort(order, count, sizeof *order, mw_safetensors_order);
  REQUIRE(mw_safetensors_header(order, count, NULL, &header, &err));
  mw_file file = file_of(header.bytes, header.length, header.length + data);
  REQUIRE(mw_tensor_find(&file, 0, &arena, &found, &err) && found.count == count);
  for (size_t i = 0; i < count; i++)
    if (mw_tensor_bytes(order[i])) /* those without bytes share a place, and so have no order */
      REQUIRE(!strcmp(order[i]->name, found.tensors[i].name) && order[i]->dtype == found.tensors[i].dtype && order[i]->rank == found.tensors[i].rank &&
              !memcmp(order[i]->shape, found.tensors[i].shape, order[i]->rank * sizeof *found.tensors[i].shape));
  mw_mem_release(&arena);
  mw_text_free(&header);
  free(found.tensors);
  free(order);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  mw_tensor_list list = {0};
  mw_arena arena = {0};
  mw_error err;
  mw_file file = file_of(bytes, length, length);
  if (mw_tensor_find(&file, 0, &arena, &list, &err)) {
    mw_tensor *tensors = list.tensors;
    size_t count = list.count;
    uint64_t next = count ? tensors[0].offset : 0;
    for (size_t i = 0; i < count; i++) {
      REQUIRE(tensors[i].offset == next);
      next += mw_tensor_bytes(&tensors[i]);
      REQUIRE(*tensors[i].name && mw_utf8_valid(tensors[i].name, strlen(tensors[i].name)) && tensors[i].rank <= 64);
    }
    REQUIRE(count == 0 || next == length);
    write_again(tensors, count);
  } else REQUIRE((err.status == MW_DATA || err.status == MW_CHANGED) && err.text[0]);
  mw_mem_release(&arena);
  free(list.tensors);
  return 0;
}
