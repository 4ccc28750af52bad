/* toys.h: models of a few bytes, made in a folder of their own, for the tests of opening and joining. */
#ifndef MW_UNIT_TOYS_H
#define MW_UNIT_TOYS_H

#include "base/text.h"
#include "unit.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct toy {
  const char *name, *dtype;
  unsigned rows, columns, size; /* size: bytes of an element */
  char fill;
} toy;

void toys_begin(void); /* makes a folder that the process works in */
void toys_end(void);   /* and removes it */

void put(const char *path, const void *bytes, size_t length);
void put_text(const char *path, const char *text);
void put_tensors(const char *path, const toy *toys, size_t count);

/* FOLDER with model.safetensors and a config; empty but for the config where count is 0. */
void put_model(const char *folder, const char *config, const toy *toys, size_t count);

/* Entries of a folder but "." and ".."; -1 where there is none. */
int entries(const char *path);
/* Whether a file has this text, of at most 255 bytes. */
bool holds(const char *path, const char *text);

static const char any[] = "{\"model_type\":\"toy\"}";

#define EMBED {"model.embed_tokens.weight", "F32", 6, 4, 4, 1}
#define LAYER {"model.layers.0.up.weight", "F32", 4, 4, 4, 2}
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const toy first[] = {EMBED}, second[] = {LAYER}, whole[] = {EMBED, LAYER};

#endif
