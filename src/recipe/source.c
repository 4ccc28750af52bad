/* source.c: what a recipe's text may hold is checked before anybody loads or shows it. */
#include "recipe/source.h"
#include "base/text.h"
#include "format/file.h"
#include "format/recognise.h"
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 256 << 10 };

/* A recipe is shown to people, who must see what runs: UTF-8 without characters that hide or turn others. */
static bool check_characters(const char *what, const char *text, size_t length, mw_error *err) {
  unsigned line = 1;
  for (size_t i = 0, n; i < length; i += n) {
    char escaped[16];
    n = mw_text_character(text + i, length - i, escaped);
    if (text[i] == '\n') line++;
    if (!*escaped || strchr("\n\t\r", text[i])) continue;
    bool is_utf8 = n > 1 || (unsigned char)text[i] < 0x80;
    mw_error_set(err, MW_DATA, "%s:%u: found %s, expected %s", what, line, escaped, is_utf8 ? "no control characters" : "UTF-8");
    return mw_error_hint(err, "in texts of a recipe such characters are written so: \"\\x1b\", \"\\u{202e}\"");
  }
  return true;
}

/* A recipe must be plain text: Lua would also load compiled code, which can break its own interpreter. */
bool mw_source_check(const char *name, const char *what, const char *text, size_t length, mw_error *err) {
  if (length > LARGEST) return mw_error_set(err, MW_DATA, "%s: %zu bytes, at most %d are read", what, length, LARGEST);
  const mw_recognise_kind *kind = length ? mw_recognise(name, text, length) : NULL;
  if (kind && kind != &mw_recognise_text) return mw_recognise_refuse(what, kind, text, length, "a recipe, which is a Lua text", err);
  if (length && text[0] == '\x1b') return mw_error_set(err, MW_DATA, "%s: is compiled Lua; recipes are text", what);
  if (memchr(text, 0, length)) return mw_error_set(err, MW_DATA, "%s: holds a NUL character; recipes are text", what);
  return check_characters(what, text, length, err);
}

/* Whether a recipe that is open lies in the folder of the recipe that requires it: a link there may lead anywhere. */
static bool lies_within(const mw_file *file, const char *folder, mw_error *err) {
  char *place = NULL, *resolved = NULL;
  mw_text_escaped shown;
  bool known = mw_file_place(file, &place, err) && mw_file_resolve(folder, &resolved, err);
  bool inside = known && mw_file_lies_in(place, resolved);
  if (known && !inside)
    mw_error_set(err, MW_DATA, "'%s' is a link that leads out of the recipe's folder",
                 mw_text_escape_z(&shown, strrchr(file->path, '/') + 1));
  free(place);
  free(resolved);
  return inside;
}

bool mw_source_read(const char *path, const char *within, char **text, size_t *length, mw_error *err) {
  mw_text_escaped shown;
  mw_file file;
  if (mw_file_is_folder(path)) {
    mw_error_set(err, MW_DATA, "%s: a folder, expected a recipe, which is a Lua text", mw_text_escape_z(&shown, path));
    return mw_error_hint(err, "models follow the recipe's options: moonweld soup --models MODEL...");
  }
  MW_TRY(mw_file_open(&file, path, err));
  bool read = (!within || lies_within(&file, within, err)) && mw_file_slurp_open(&file, LARGEST, text, length, err);
  mw_file_close(&file);
  if (!read || mw_source_check(path, mw_text_escape_z(&shown, path), *text, *length, err)) return read;
  free(*text);
  *text = NULL;
  return false;
}
