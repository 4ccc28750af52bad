/* embed.c: a build tool: embed OUT.c NAME=FILE... writes the files as one C table of mw_embed, and the names of recipes. */
#include <stdio.h>
#include <string.h>

static int put_file(FILE *out, const char *path) {
  FILE *in = fopen(path, "rb");
  if (!in) return perror(path), 0;
  int c, column = 0;
  fputs("\"", out);
  while ((c = getc(in)) != EOF) {
    if (c == '\n') fputs("\\n\"\n\"", out), column = 0;
    else if (c == '"' || c == '\\') fprintf(out, "\\%c", c);
    else if (c >= 0x20 && c < 0x7f && c != '?') putc(c, out);
    else fprintf(out, "\\%03o", c);
    column++;
  }
  fputs("\"", out);
  return fclose(in) == 0;
}

static long size_of(const char *path) {
  FILE *in = fopen(path, "rb");
  if (!in) return -1;
  fseek(in, 0, SEEK_END);
  long size = ftell(in);
  fclose(in);
  return size;
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: embed OUT.c NAME=FILE...\n"), 64;
  FILE *out = fopen(argv[1], "wb");
  if (!out) return perror(argv[1]), 73;
  fputs("#include \"recipe/embed.h\"\nconst mw_embed mw_embed_files[] = {\n", out);
  for (int i = 2; i < argc; i++) {
    char *path = strchr(argv[i], '=');
    if (!path) return fprintf(stderr, "embed: %s: expected NAME=FILE\n", argv[i]), 64;
    *path++ = 0;
    fprintf(out, "{\"%s\",\n", argv[i]);
    if (!put_file(out, path)) return 66;
    fprintf(out, ", %ld},\n", size_of(path));
  }
  fputs("{0, 0, 0}};\n\nconst char *const mw_embed_recipes[] = {\n", out);
  for (int i = 2; i < argc; i++) /* the names end where their '=' was */
    if (strncmp(argv[i], "recipes/", 8) == 0) fprintf(out, "\"%s\",\n", argv[i] + 8);
  fputs("0};\n", out);
  return fclose(out) == 0 ? 0 : 74;
}
