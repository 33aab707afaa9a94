/* A network's passes. What stands between @ signs is written for it. */

enum { PASS = @pass@ };

static const long places[][2] = {@places@};
const Sizes sizes = {
  .width = @width@, .wide = @wide@, .outputs = @outputs@, .apart = @apart@, .filled = @filled@,
  .targets = @targets@, .label = @label@, .positions = @positions@, .labelled = @labelled@,
  .kernels = @kernels@, .trained = @trained@,
  .averaged = @averaged@, .matrices = @matrices@, .places = places, .pass = PASS,
  .channels = @channels@, .high = @high@, .broad = @broad@, .down = @down@, .right = @right@,
  .tall_hole = @tall_hole@, .broad_hole = @broad_hole@
};
@statics@
static long batch;
static real @values@;
real *input, *output, *by_output;

/* Make room for a batch, and for a pass of an evaluation; return whether there is. */
int made_room(long rows) {
  static real *all;
  static long most;
  batch = rows;
  if (rows <= most) return 1;
  const size_t size = sizeof(real) * (@room@);
  free(all);
  all = aligned_alloc(64, size);
  most = all ? rows : 0;
  if (!all) return 0;
  memset(all, 0, size);
  real *at = all;
@places_of_values@
  input = @input@;
  output = @output@;
  by_output = @by_output@;
  return 1;
}

@functions@
void forward(const Call *call, real *W, const uint32_t *key) {
  (void)call; (void)key;
@forward@
}

void backward(const Call *call, real *W, real *G, const uint32_t *key) {
  (void)call; (void)W; (void)key;
@backward@
}

/* The outputs of some rows, PASS at most, in evaluation mode. */
const real *passed(const real *W, const real *@eval_input@, long evaluated) {
@evaluate@
  return @eval_output@;
}
