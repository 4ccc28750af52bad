/* zeros.c: of each weight the bytes in its middle are read. Where they are zeros, all of it is, up to the first value. A hole, a part of
 * the file that the system knows was never written, is asked for without reading. */
#include "merge/zeros.h"
#include <stdlib.h>
#include <string.h>

enum { LEAST = 4096, PIECE = 512, STEP = 256 << 10, SHOWN = 3 };

typedef struct look {
  uint64_t hole; /* where the first hole of the tensor begins, in bytes of its data */
  bool weight, zero, holed;
} look;

/* The first hole at or behind `from` of a file, as the system said last. */
typedef struct hole {
  uint64_t from, begin, end;
} hole;

typedef struct search {
  const mw_family *family;
  const mw_ranks *ranks; /* NULL: this process looks at all */
  uint64_t files;        /* of the members before that which is looked at */
  look **looks; /* [member][tensor] */
  hole *holes;  /* one for each file of the member that is looked at */
  char *piece;  /* STEP bytes */
  mw_warning *warnings;
  mw_error *err;
} search;

static bool is_zero(const char *bytes, size_t length) { return !bytes[0] && memcmp(bytes, bytes + 1, length - 1) == 0; }

/* Whether the bytes from `at` on are zeros, `most` of them or fewer at the tensor's end. */
static bool read_zeros(const search *s, const mw_model *model, const mw_tensor *tensor, uint64_t at, uint64_t most, bool *zero) {
  uint64_t bytes = mw_tensor_bytes(tensor), end = bytes - at < most ? bytes : at + most;
  for (*zero = true; *zero && at < end; at += STEP) {
    size_t n = end - at < STEP ? (size_t)(end - at) : STEP;
    MW_TRY(mw_model_read(model, tensor, at, s->piece, n, s->err));
    *zero = is_zero(s->piece, n);
  }
  return true;
}

/* The piece at `at`, which does not stay in memory if it was not there. */
static bool peek(const search *s, const mw_model *model, const mw_tensor *tensor, uint64_t at, bool *zero) {
  const mw_file *file = tensor->made == MW_TENSOR_STORED ? &model->files[tensor->file] : NULL;
  const bool ready = !file || mw_file_is_ready(file, tensor->offset + at);
  bool ok = read_zeros(s, model, tensor, at, PIECE, zero);
  if (!ready) mw_file_let_go(file, tensor->offset + at, PIECE);
  return ok;
}

static uint64_t align(uint64_t at) { return at & ~(uint64_t)63; }

/* Asks the system only where the last answer says nothing of `at`: it may have to walk over every page behind it (tmpfs), or to ask
 * a server (NFS). A file without holes is asked once, since the first hole behind byte 0 is then the end of the file. */
static const hole *first_hole(const mw_file *file, hole *last, uint64_t at) {
  if (at < last->from || at > last->begin) {
    last->from = at;
    mw_file_hole(file, at, &last->begin, &last->end);
  }
  return last;
}

static bool look_at(const search *s, const mw_family_member *member, size_t index, look *out) {
  const mw_tensor *tensor = &member->tensors[index];
  uint64_t bytes = mw_tensor_bytes(tensor);
  *out = (look){.weight = tensor->rank >= 2 && bytes >= LEAST && !member->kept[index]};
  if (!out->weight) return true;
  if (tensor->made == MW_TENSOR_STORED) {
    const hole *first = first_hole(&member->model->files[tensor->file], &s->holes[tensor->file], tensor->offset);
    out->hole = align(first->begin - tensor->offset + 63);
    out->holed = out->hole + PIECE <= bytes;
    if (out->holed && first->end >= tensor->offset + bytes) MW_TRY(read_zeros(s, member->model, tensor, 0, out->hole, &out->zero));
  }
  if (out->holed) return true;
  MW_TRY(peek(s, member->model, tensor, align(bytes / 2), &out->zero));
  return !out->zero || read_zeros(s, member->model, tensor, 0, bytes, &out->zero);
}

/* A file of which no weight has a value. */
static bool check_files(const search *s, size_t m) {
  const mw_family_member *member = &s->family->members[m];
  const mw_model *model = member->model;
  mw_text_escaped shown;
  for (size_t f = 0; f < model->file_count; f++) {
    size_t weights = 0, zeros = 0;
    for (size_t i = 0; i < member->count; i++)
      if (member->tensors[i].file == f) weights += s->looks[m][i].weight, zeros += s->looks[m][i].zero;
    if (!zeros || zeros < weights) continue;
    mw_text_escape_z(&shown, model->files[f].path);
    if (!s->family->rules.allow_empty) {
      mw_error_set(s->err, MW_DATA, "%s: nothing but zeros behind its header", shown.bytes);
      return mw_error_hint(s->err, "a download that was cut off, or a power cut: fetch it again (--allow empty merges it all the same)");
    }
    mw_warning_add(s->warnings, "%s: nothing but zeros behind its header, let through by --allow empty", shown.bytes);
  }
  return true;
}

/* *who: another model that has values where the tensor has none, or NULL. */
static bool find_values(const search *s, size_t m, size_t index, const mw_family_member **who) {
  const mw_tensor *tensor = &s->family->members[m].tensors[index];
  const look *own = &s->looks[m][index];
  *who = NULL;
  for (size_t o = 0; o < s->family->count && !*who; o++) {
    const mw_family_member *other = &s->family->members[o];
    const mw_tensor *match = o == m ? NULL : mw_family_find(other, tensor->name);
    bool zero = !match || s->looks[o][match - other->tensors].zero;
    if (!zero && own->holed) {
      zero = match->dtype != tensor->dtype || mw_tensor_bytes(match) != mw_tensor_bytes(tensor);
      if (!zero) MW_TRY(peek(s, other->model, match, own->hole, &zero));
    }
    if (!zero) *who = other;
  }
  return true;
}

/* Warns of a model's weights that are zeros where another one has values. */
static bool tell(const search *s, size_t m) {
  const mw_family_member *member = &s->family->members[m], *where = NULL, *who;
  mw_text names = {0};
  mw_text_escaped name;
  size_t count = 0;
  bool ok = true;
  for (size_t i = 0; i < member->count && ok; i++) {
    if (!s->looks[m][i].zero && !s->looks[m][i].holed) continue;
    ok = find_values(s, m, i, &who);
    if (!ok || !who) continue;
    mw_text_escape_z(&name, member->tensors[i].name);
    if (count++ < SHOWN) mw_text_format(&names, "%s'%s'", where ? ", " : "", name.bytes);
    where = where ? where : who;
  }
  ok = ok && mw_text_check(&names, s->err);
  if (ok && where)
    mw_warning_add(s->warnings, "%s: %zu weight%s zeros, in whole or from some byte on, where %s has values: %.400s%s; "
                   "was the file cut off?", member->label, count, count == 1 ? " is" : "s are", where->label, names.bytes,
                   count > SHOWN ? " ..." : "");
  mw_text_free(&names);
  return ok;
}

static bool is_own(const search *s, size_t file) { return !s->ranks || (s->files + file) % s->ranks->count == s->ranks->rank; }

static bool look_at_member(search *s, size_t m) {
  const mw_family_member *member = &s->family->members[m];
  const mw_model *model = member->model;
  s->looks[m] = mw_mem_new(member->count + 1, sizeof **s->looks, s->err);
  s->holes = s->looks[m] ? mw_mem_new(model->file_count + 1, sizeof *s->holes, s->err) : NULL;
  bool ok = s->holes;
  for (size_t f = 0; f < model->file_count && ok; f++)
    if (is_own(s, f)) mw_file_hole(&model->files[f], 0, &s->holes[f].begin, &s->holes[f].end);
  for (size_t i = 0; i < member->count && ok; i++)
    if (is_own(s, member->tensors[i].file)) ok = look_at(s, member, i, &s->looks[m][i]);
  free(s->holes);
  s->files += model->file_count;
  return ok;
}

/* What each process has seen, all know then: of each tensor two numbers, which are 0 of those that others look at. */
static bool exchange(const search *s) {
  enum { WEIGHT = 1, ZERO = 2, HOLED = 4 };
  size_t count = 0, at = 0;
  for (size_t m = 0; m < s->family->count; m++) count += 2 * s->family->members[m].count;
  uint64_t *numbers = mw_mem_new(count + 1, sizeof *numbers, s->err);
  if (!numbers) return false;
  for (size_t m = 0; m < s->family->count; m++)
    for (size_t i = 0; i < s->family->members[m].count; i++, at += 2) {
      const look *seen = &s->looks[m][i];
      numbers[at] = seen->hole;
      numbers[at + 1] = (seen->weight ? WEIGHT : 0u) | (seen->zero ? ZERO : 0u) | (seen->holed ? HOLED : 0u);
    }
  bool ok = s->ranks->combine(MW_RANKS_UNITE, numbers, count, s->err);
  at = 0;
  for (size_t m = 0; m < s->family->count && ok; m++)
    for (size_t i = 0; i < s->family->members[m].count; i++, at += 2)
      s->looks[m][i] = (look){numbers[at], numbers[at + 1] & WEIGHT, numbers[at + 1] & ZERO, numbers[at + 1] & HOLED};
  free(numbers);
  return ok;
}

static bool look_at_all(search *s) {
  for (size_t m = 0; m < s->family->count; m++) MW_TRY(look_at_member(s, m));
  MW_TRY(!s->ranks || exchange(s));
  for (size_t m = 0; m < s->family->count; m++) MW_TRY(check_files(s, m));
  for (size_t m = 0; m < s->family->count && (!s->ranks || !s->ranks->rank); m++) MW_TRY(tell(s, m));
  return true;
}

bool mw_zeros_check(const mw_family *family, const mw_ranks *ranks, mw_warning *warnings, mw_error *err) {
  search s = {.family = family, .ranks = ranks, .warnings = warnings, .err = err};
  s.looks = mw_mem_new(family->count, sizeof *s.looks, err);
  s.piece = s.looks ? mw_mem_new(STEP, 1, err) : NULL;
  bool ok = s.piece && look_at_all(&s);
  for (size_t m = 0; m < family->count && s.looks; m++) free(s.looks[m]);
  free(s.looks);
  free(s.piece);
  return ok;
}
