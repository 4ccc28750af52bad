/* recognise.c: names first, then one table of beginnings, then what is told by counting: zeros and text. */
#include "format/recognise.h"
#include "base/utf8.h"
#include <string.h>

static const char download[] = "the download was refused or cut off: get the file again";
static const char convert[] = "convert it to safetensors once (save_pretrained, or safetensors.torch.save_file)";
static const char unpack[] = "unpack it";
static const char other[] = "this file is no part of a model: get the right one";

static const mw_recognise_kind yaml = {
    "a YAML file", "a mergekit file is merged by its name alone: moonweld FILE.yml -o OUT", false};
static const mw_recognise_kind lock = {
    "the lock file of a merge", "`moonweld rebuild LOCK -o NEW` makes that merge again; as a model give its folder", false};
static const mw_recognise_kind empty = {"an empty file (file size 0)", download, false};
static const mw_recognise_kind zeros = {
    "nothing but zeros where it begins", "a download or a copy was cut off, or the power: get the file again", false};
const mw_recognise_kind mw_recognise_text = {
    "a text", "the download was refused or cut off, or it is another file: get the file again", true};

static const struct { const char *ending; const mw_recognise_kind *kind; } names[] = {
    {"merge.lock.json", &lock}, {".yml", &yaml}, {".yaml", &yaml}};

static const struct { size_t at, length; const char *bytes; mw_recognise_kind kind; } beginnings[] = {
#define BEGINS(bytes, what, advice) {0, sizeof bytes - 1, bytes, {what, advice, false}}
#define SHOWS(bytes, what, advice) {0, sizeof bytes - 1, bytes, {what, advice, true}}
    BEGINS("version https://git-lfs", "a git-lfs pointer", "the file itself was not fetched; run: git lfs pull"),
    SHOWS("<", "a web page", download),
    SHOWS("{", "a JSON text", "a server's answer in the place of the file, or a file of a model: give the model's folder"),
    BEGINS("\xef\xbb\xbf", "a text that begins with a byte order mark", "save it as plain UTF-8"),
    BEGINS("\xff\xfe", "a text of UTF-16", "save it as plain UTF-8"),
    BEGINS("\xfe\xff", "a text of UTF-16", "save it as plain UTF-8"),
    BEGINS("GGUF", "a GGUF file", "merge the model that it was made from, and quantise the result"),
    BEGINS("lmgg", "a GGML file", "merge the model that it was made from"),
    BEGINS("tjgg", "a GGML file", "merge the model that it was made from"),
    BEGINS("PK\3\4", "a zip archive, such as PyTorch writes (.bin, .pt, .ckpt)", convert),
    BEGINS("\x80\2", "a pickle (PyTorch's .bin, .pt, .ckpt)", convert),
    BEGINS("\x80\3", "a pickle (PyTorch's .bin, .pt, .ckpt)", convert),
    BEGINS("\x80\4", "a pickle (PyTorch's .bin, .pt, .ckpt)", convert),
    BEGINS("\x80\5", "a pickle (PyTorch's .bin, .pt, .ckpt)", convert),
    BEGINS("\x89HDF\r\n", "an HDF5 file (Keras)", convert),
    BEGINS("\x93NUMPY", "a NumPy file", convert),
    BEGINS("\x89PNG\r\n", "a PNG picture", other),
    BEGINS("\xff\xd8\xff", "a JPEG picture", other),
    BEGINS("GIF8", "a GIF picture", other),
    BEGINS("RIFF", "a picture, sound or film (RIFF)", other),
    BEGINS("%PDF-", "a PDF document", other),
    BEGINS("PAR1", "a table of data (Parquet)", other),
    BEGINS("SQLite format 3", "a database (SQLite)", other),
    BEGINS("\x7f" "ELF", "a program", other),
    BEGINS("\x1f\x8b", "a gzip archive", unpack),
    BEGINS("BZh", "a bzip2 archive", unpack),
    BEGINS("\xfd" "7zXZ", "an xz archive", unpack),
    BEGINS("\x28\xb5\x2f\xfd", "a zstd archive", unpack),
    BEGINS("7z\xbc\xaf\x27\x1c", "a 7z archive", unpack),
    BEGINS("Rar!", "a RAR archive", unpack),
#undef BEGINS
#undef SHOWS
    {257, 5, "ustar", {"a tar archive", unpack, false}}};

/* ONNX is a protobuf that begins with its version (field 1, a small number) and its producer's name (field 2) or a graph
 * (field 7). */
static const mw_recognise_kind onnx = {"an ONNX model", "merge the model that it was exported from", false};
static bool is_onnx(const char *start, size_t length) {
  return length > 3 && start[0] == 8 && start[1] > 0 && start[1] < 32 && (start[2] == 0x12 || start[2] == 0x3a);
}

static bool is_zero(const char *start, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (start[i]) return false;
  return true;
}

/* UTF-8 without control characters but those of lines; the last character may be cut off. */
static bool is_text(const char *start, size_t length) {
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)start[i] < 0x20 && !strchr("\t\n\r\f", start[i] ? start[i] : '\1')) return false;
  for (size_t cut = 0; cut < 4 && cut < length; cut++)
    if (mw_utf8_valid(start, length - cut)) return true;
  return false;
}

const mw_recognise_kind *mw_recognise(const char *path, const char *start, size_t length) {
  if (length > MW_RECOGNISE_BYTES) length = MW_RECOGNISE_BYTES;
  if (!length) return &empty;
  if (is_zero(start, length)) return &zeros;
  size_t space = 0;
  while (space < length && strchr(" \t\r\n", start[space] ? start[space] : 'x')) space++;
  bool text = is_text(start, length);
  for (size_t i = 0; text && i < sizeof names / sizeof *names; i++)
    if (mw_text_ends_with(path, names[i].ending)) return names[i].kind;
  for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
    size_t at = beginnings[i].at + (text ? space : 0), bytes = beginnings[i].length;
    if (beginnings[i].kind.shown && !text) continue; /* '<' and '{' alone say little of other bytes */
    if (at + bytes <= length && memcmp(start + at, beginnings[i].bytes, bytes) == 0) return &beginnings[i].kind;
  }
  if (is_onnx(start, length)) return &onnx;
  return text ? &mw_recognise_text : NULL;
}

bool mw_recognise_refuse(const char *shown, const mw_recognise_kind *kind, const char *start, size_t length, const char *expected,
                         mw_error *err) {
  mw_text_escaped quoted;
  size_t line = 0;
  while (line < length && line < 60 && start[line] != '\n' && start[line] != '\r') line++;
  if (kind->shown)
    mw_error_set(err, MW_DATA, "%s: found %s that begins '%s', expected %s", shown, kind->what,
                 mw_text_escape(&quoted, start, line), expected);
  else mw_error_set(err, MW_DATA, "%s: found %s, expected %s", shown, kind->what, expected);
  return mw_error_hint(err, "%s", kind->advice);
}

bool mw_recognise_check(const mw_file *file, const char *expected, mw_error *err) {
  char start[MW_RECOGNISE_BYTES];
  mw_text_escaped shown;
  size_t length = file->size < sizeof start ? (size_t)file->size : sizeof start;
  MW_TRY(mw_file_read(file, 0, start, length, err));
  const mw_recognise_kind *kind = mw_recognise(file->path, start, length);
  return !kind || mw_recognise_refuse(mw_text_escape_z(&shown, file->path), kind, start, length, expected, err);
}
