/* marks.c: see marks.h. */
#include "model/marks.h"
#include <string.h>

static const char *const marks[] = {"v_pred", "ztsnr", "edm_mean", "edm_std", "edm_vpred.sigma_max", "edm_vpred.sigma_min"};

/* The metadata; an object without members where there are none, or where they are not JSON. */
static bool metadata_of(const mw_model *model, mw_json *root, mw_error *err) {
  mw_error broken;
  *root = (mw_json){MW_JSON_OBJECT, "{}", 2};
  if (!model->metadata || mw_json_check("metadata", model->metadata, strlen(model->metadata), 4, root, &broken)) return true;
  return broken.status != MW_MEMORY || mw_error_memory(err, strlen(model->metadata));
}

static bool differ(mw_json a, mw_json b) {
  if (a.kind != MW_JSON_STRING || b.kind != MW_JSON_STRING) return false;
  return a.length != b.length || memcmp(a.bytes, b.bytes, a.length) != 0;
}

static void say(mw_text *list, const char *key, mw_json here, mw_json there, const char *donor) {
  mw_json own = mw_json_member(here, key), donors = mw_json_member(there, key);
  mw_text_escaped a, b;
  if (differ(own, donors))
    mw_text_format(list, "%s%s is %.60s here and %.60s in %s", list->length ? ", " : "", key, mw_text_escape(&a, own.bytes, own.length),
                   mw_text_escape(&b, donors.bytes, donors.length), donor);
}

bool mw_marks_fit(const mw_family_member *donor, const mw_family_member *other, bool allowed, mw_warning *warnings, mw_error *err) {
  static const char prediction[] = "modelspec.prediction_type", architecture[] = "modelspec.architecture";
  mw_text wrong = {0}, odd = {0};
  mw_json own, donors;
  MW_TRY(metadata_of(other->model, &own, err) && metadata_of(donor->model, &donors, err));
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    bool here = mw_model_find(other->model, marks[i]), there = mw_model_find(donor->model, marks[i]);
    if (here != there)
      mw_text_format(&wrong, "%sthe mark '%s' is %s here and %s in %s", wrong.length ? ", " : "", marks[i], here ? "there" : "absent",
                     there ? "there" : "absent", donor->label);
  }
  say(&wrong, prediction, own, donors, donor->label);
  say(&odd, architecture, own, donors, donor->label);
  bool ok = mw_text_check(&wrong, err) && mw_text_check(&odd, err);
  if (ok && odd.length) mw_warning_add(warnings, "%s: metadata: %s; the output has %s's", other->label, odd.bytes, donor->label);
  if (ok && wrong.length && allowed)
    mw_warning_add(warnings, "%s: %s; let through by --allow config, the output is %s's kind", other->label, wrong.bytes, donor->label);
  if (ok && wrong.length && !allowed) {
    ok = mw_error_set(err, MW_DATA, "%s: %s: they predict different things (noise, velocity), which have no mean", other->label,
                      wrong.bytes);
    mw_error_hint(err, "--allow config merges them all the same; the output then is of %s's kind", donor->label);
  }
  mw_text_free(&wrong);
  mw_text_free(&odd);
  return ok;
}
