/* models.c: makes the models of the benchmark, as folders with config.json and one bf16 model.safetensors.
 *   models DIR random COUNT ELEMENTS SEED   random weights around zero, all finite; bf16 | f16 | f32 for random: of that dtype
 *   models DIR sparse COUNT ELEMENTS [F64]  a file of holes: names and shapes, no data on the disk
 *   models DIR words COUNT ELEMENTS SEED    random weights, with embeddings and a head of 32768 tokens and 2048 columns
 *   models DIR llama7b                      a file of holes with the 291 tensors of a 7B model */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct header {
  char *text;
  size_t length, room;
  uint64_t bytes; /* of tensor data described so far */
  const char *dtype;
  unsigned size;  /* bytes of an element */
} header;

static void fail(const char *what) {
  perror(what);
  exit(74);
}

static void add(header *h, const char *name, uint64_t rows, uint64_t columns) {
  if (h->room - h->length < 400) {
    h->room = h->room * 2 + 4096;
    h->text = realloc(h->text, h->room);
    if (!h->text) fail("memory");
  }
  char shape[64];
  uint64_t end = h->bytes + h->size * rows * (columns ? columns : 1);
  if (columns) snprintf(shape, sizeof shape, "%" PRIu64 ",%" PRIu64, rows, columns);
  else snprintf(shape, sizeof shape, "%" PRIu64, rows);
  h->length += (size_t)snprintf(h->text + h->length, h->room - h->length,
                                "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}",
                                h->length ? "," : "{\"__metadata__\":{\"format\":\"pt\"},", name, h->dtype, shape, h->bytes, end);
  h->bytes = end;
}

static void add_llama7b(header *h) {
  static const struct { const char *name; uint64_t rows, columns; } parts[] = {
    { "input_layernorm", 4096, 0 }, { "mlp.down_proj", 4096, 11008 }, { "mlp.gate_proj", 11008, 4096 },
    { "mlp.up_proj", 11008, 4096 }, { "post_attention_layernorm", 4096, 0 }, { "self_attn.k_proj", 4096, 4096 },
    { "self_attn.o_proj", 4096, 4096 }, { "self_attn.q_proj", 4096, 4096 }, { "self_attn.v_proj", 4096, 4096 },
  };
  add(h, "lm_head.weight", 32000, 4096);
  add(h, "model.embed_tokens.weight", 32000, 4096);
  for (int layer = 0; layer < 32; layer++)
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
      char name[120];
      snprintf(name, sizeof name, "model.layers.%d.%s.weight", layer, parts[i].name);
      add(h, name, parts[i].rows, parts[i].columns);
    }
  add(h, "model.norm.weight", 4096, 0);
}

static void write_all(int fd, const void *data, size_t length) {
  for (const char *p = data; length;) {
    ssize_t n = write(fd, p, length);
    if (n <= 0) fail("write");
    p += n;
    length -= (size_t)n;
  }
}

/* Random values with magnitudes between 2^-10 and 1: sign, mantissa and exponent are drawn. */
static void write_random(int fd, const header *h, uint64_t seed) {
  enum { COUNT = 1 << 20 };
  uint32_t *block = malloc(COUNT * sizeof *block);
  if (!block) fail("memory");
  uint16_t *half = (uint16_t *)block;
  uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
  for (uint64_t bytes = h->bytes; bytes;) {
    for (size_t i = 0; i < COUNT; i++) {
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
      uint32_t power = (uint32_t)((x >> 40) % 10); /* 2^(power - 10) */
      if (strcmp(h->dtype, "F32") == 0) block[i] = (uint32_t)(x & 0x80000000) | (117 + power) << 23 | (uint32_t)(x >> 33 & 0x7fffff);
      else if (strcmp(h->dtype, "F16") == 0) half[i] = (uint16_t)((x >> 17 & 0x8000) | (5 + power) << 10 | (x >> 20 & 0x3ff));
      else half[i] = (uint16_t)((x >> 17 & 0x8000) | (117 + power) << 7 | (x >> 20 & 0x7f));
    }
    size_t length = bytes < COUNT * (uint64_t)h->size ? (size_t)bytes : COUNT * (size_t)h->size;
    write_all(fd, block, length);
    bytes -= length;
  }
  free(block);
}

int main(int argc, char **argv) {
  header h = { .dtype = "BF16", .size = 2 };
  char path[4096];
  uint64_t layers = 32; /* of llama7b */
  if (argc < 3) return fprintf(stderr, "usage: models DIR random|bf16|f16|f32|words|sparse|llama7b [COUNT ELEMENTS [SEED]]\n"), 64;
  int f16 = strcmp(argv[2], "f16") == 0, f32 = strcmp(argv[2], "f32") == 0;
  int words = strcmp(argv[2], "words") == 0;
  int random = words || f16 || f32 || strcmp(argv[2], "bf16") == 0 || strcmp(argv[2], "random") == 0;
  if (f16) h.dtype = "F16";
  if (f32) h.dtype = "F32", h.size = 4;
  if (!random && argc > 5 && strcmp(argv[5], "F64") == 0) h.dtype = "F64", h.size = 8;
  if (strcmp(argv[2], "llama7b") == 0) {
    add_llama7b(&h);
  } else if (argc >= 5 + random) {
    uint64_t elements = strtoull(argv[4], NULL, 10);
    layers = strtoull(argv[3], NULL, 10);
    if (words) add(&h, "lm_head.weight", 32768, 2048), add(&h, "model.embed_tokens.weight", 32768, 2048);
    for (uint64_t i = 0; i < layers; i++) {
      char name[64];
      snprintf(name, sizeof name, "model.layers.%05" PRIu64 ".weight", i);
      add(&h, name, elements / 1024, 1024);
    }
  } else {
    return 64;
  }
  h.text[h.length++] = '}';
  while (h.length % 8) h.text[h.length++] = ' ';

  mkdir(argv[1], 0755);
  snprintf(path, sizeof path, "%s/config.json", argv[1]);
  FILE *config = fopen(path, "w");
  if (!config) fail(path);
  fprintf(config, "{\n  \"model_type\": \"bench\",\n  \"num_hidden_layers\": %" PRIu64 ",\n  \"torch_dtype\": \"%s\"\n}\n", layers,
          strcmp(h.dtype, "F16") == 0 ? "float16" : strcmp(h.dtype, "F32") == 0 ? "float32" : "bfloat16");
  if (fclose(config) != 0) fail(path);

  snprintf(path, sizeof path, "%s/model.safetensors", argv[1]);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) fail(path);
  uint64_t length = h.length; /* the format is little-endian, as is every machine this runs on */
  write_all(fd, &length, sizeof length);
  write_all(fd, h.text, h.length);
  if (random) write_random(fd, &h, strtoull(argv[5], NULL, 10));
  else if (ftruncate(fd, (off_t)(8 + h.length + h.bytes)) != 0) fail(path);
  free(h.text);
  return close(fd) == 0 ? 0 : 74;
}
