/* How a trial trains: some epochs of steps, and an evaluation after each.
   What stands between @ signs is written for the network, the optimizer and the loss. */

enum {
  WIDTH = @width@, WIDE = @wide@, OUTPUTS = @outputs@, APART = @apart@,
  FILLED = @filled@, TARGETS = @targets@, LABEL = @label@, KERNELS = @kernels@, TRAINED = @trained@, AVERAGED = @averaged@,
  SIZE = @size@, SLOTS = @slots@, MATRICES = @matrices@, PASS = @pass@, SPARE = @spare@,
  CHANNELS = @channels@, HIGH = @high@, BROAD = @broad@, DOWN = @down@, RIGHT = @right@
};

typedef struct {
  real *memory, *slots, *average;      /* average: NULL without one */
  const real *inputs, *target, *weight; /* the training part; a target takes LABEL numbers */
  const int32_t *rows;                 /* of each step's batch */
  const double *numbers;               /* rate, mixup's share and the average's decay of each step */
  const double *settings;              /* momentum, beta1, beta2, epsilon, l1, l2, decay, clip, smoothing */
  const uint32_t *words, *thresholds;  /* of dropout */
  const double *scales;
  /* Sample and validation part, one after the other: rows of WIDE numbers, a multiple of PASS. */
  const real *evaluated, *wanted, *weighed;
  int64_t sampled, validated;          /* rows of each */
  int64_t batch;                       /* rows of a step */
  int64_t augmentation;                /* 1: images are flipped, 2: shifted, 3: both */
  int64_t first, steps, apart, epochs; /* first step's number; steps an epoch, and room for them */
  real *seen, *shown, *outputs, *kept; /* what each epoch showed; outputs: NULL unless wanted */
  double *losses, *right;              /* the latter: share of rows whose class is the likeliest */
} Call;

@statics@
static long batch;
static real @values@;
static real *target, *share_of, *cost;
static real G[TRAINED + LANES] ALIGNED;
static real before[KERNELS + LANES] ALIGNED;

/* Rows of an array that serves so many: products write some more. */
#define ROOM(rows) (((rows) + SPARE + 63) / 64 * 64)

/* Make room for a batch, and for a pass of an evaluation; return whether there is. */
static int reserved(long rows) {
  static real *all;
  static long most;
  batch = rows;
  if (rows <= most) return 1;
  const long each = ROOM(rows);
  const size_t size = sizeof(real) * (each * (LABEL + 2) + @room@);
  free(all);
  all = aligned_alloc(64, size);
  most = all ? rows : 0;
  if (!all) return 0;
  memset(all, 0, size);
  real *at = all;
  target = at; at += each * LABEL;
  share_of = at; at += each;
  cost = at; at += each;
@places_of_values@
  return 1;
}

@functions@
@loss@
/* What each of some rows costs; where `slopes` is not NULL, times a share, by each output too. */
static TILE void costs(long rows, const real *outputs, const real *targets, real *cost,
                       real *slopes, const real *shares) {
  for (long start = 0; start < rows; start += LANES) {
    const long count = rows - start < LANES ? rows - start : LANES;
    real z[FILLED][LANES] ALIGNED = {{0}}, t[LABEL][LANES] ALIGNED = {{0}}, found[LANES];
    turn(outputs + start * APART, count, FILLED, APART, z[0], LANES);
    turn(targets + start * LABEL, count, LABEL, LABEL, t[0], LANES);
    losses_of(z, t, found, slopes != 0);
    for (long l = 0; l < count; l++) cost[start + l] = found[l];
    if (slopes) {
      real share[LANES] = {0};
      for (long l = 0; l < count; l++) share[l] = shares[start + l];
      for (long j = 0; j < FILLED; j++) LANE(l) z[j][l] = j < OUTPUTS ? z[j][l] * share[l] : 0;
      turn(z[0], FILLED, count, LANES, slopes + start * APART, APART);
    }
  }
}

/* An image flipped left to right, or shifted; what comes in is zero. Drawn for a batch's row. */
static void moved(const Call *call, long index, uint32_t row, const real *from, real *to) {
  long flip = 0, down = 0, right = 0;
  for (uint32_t kind = @flip_word@; kind < @flip_word@ + 3; kind++) {
    uint32_t key[2] = {call->words[0], call->words[1]};
    folded(key, kind);
    folded(key, (uint32_t)index);
    const uint32_t bits = drawn(key, row);
    if (kind == @flip_word@) flip = (call->augmentation & 1) && bits % 2;
    else if (kind == @flip_word@ + 1) down = call->augmentation & 2 ? (long)(bits % (2 * DOWN + 1)) - DOWN : 0;
    else right = call->augmentation & 2 ? (long)(bits % (2 * RIGHT + 1)) - RIGHT : 0;
  }
  for (long c = 0; c < CHANNELS; c++) for (long y = 0; y < HIGH; y++)
    for (long x = 0; x < BROAD; x++) {
      const long at_y = y + down, at_x = (flip ? BROAD - 1 - x : x) + right;
      const int inside = at_y >= 0 && at_y < HIGH && at_x >= 0 && at_x < BROAD;
      to[(c * HIGH + y) * BROAD + x] = inside ? from[(c * HIGH + at_y) * BROAD + at_x] : 0;
    }
}

static inline void gather(const Call *call, long index, const int32_t *rows, double own,
                          double smooth) {
  static real images[2][WIDTH] ALIGNED;
  const real a = (real)own, b = (real)(1.0 - own);
  const real stay = (real)(1.0 - smooth), even = (real)(smooth / (TARGETS > 2 ? TARGETS : 2));
  for (long i = 0; i < batch; i++) {
    const long r = rows[i], q = rows[batch - 1 - i];
    const real *x = call->inputs + r * WIDTH, *t = call->target + r * LABEL;
    if (call->augmentation) {
      moved(call, index, (uint32_t)i, x, images[0]);
      x = images[0];
    }
    real *to = @input@ + i * WIDE;
    if (own < 1.0) {
      const real *other = call->inputs + q * WIDTH, *u = call->target + q * LABEL;
      if (call->augmentation) {
        moved(call, index, (uint32_t)(batch - 1 - i), other, images[1]);
        other = images[1];
      }
      EACH(j, WIDTH) to[j] = a * x[j] + b * other[j];
      EACH(j, LABEL)
        target[i * LABEL + j] = a * (stay * t[j] + even) + b * (stay * u[j] + even);
      share_of[i] = a * call->weight[r] + b * call->weight[q];
    } else {
      EACH(j, WIDTH) to[j] = x[j];
      EACH(j, LABEL) target[i * LABEL + j] = stay * t[j] + even;
      share_of[i] = call->weight[r];
    }
  }
}

/* Decay some weights, then take the optimizer's step on them; return the gradient's square. */
static APPROXIMATE real update(const Call *call, long first, long last, real *W, double rate,
                               double step, real factor, real held) {
  const double *given = call->settings;
  const double momentum = given[0], beta1 = given[1], beta2 = given[2], epsilon = given[3];
  real *const h = call->slots;
  real square = 0;
  (void)momentum; (void)beta1; (void)beta2; (void)epsilon; (void)step; (void)h;
@once@
  EACH(i, last - first) {
    const real g = G[first + i] * factor, w = held * W[first + i];
    square += g * g;
@each@
    W[first + i] = @new@;
@moments@
  }
  return square;
}

/* One step: loss, gradients, penalties, clipping, update, average. Returns the data loss. */
static real take(const Call *call, long index, const int32_t *rows, const double *numbers,
                 real *seen, real *shown) {
  const double *given = call->settings;
  const double l1 = given[4], l2 = given[5], clip = given[7];
  const double rate = numbers[0], step = (double)(index + 1);
  real *W = call->memory;
  uint32_t key[2] = {call->words[0], call->words[1]};
  folded(key, (uint32_t)index);
  (void)key;

  gather(call, index, rows, numbers[1], given[8]);
@forward@
  real all = 0, loss = 0;
  for (long i = 0; i < batch; i++) all += share_of[i];
  all = all > R(1.1754944e-38) ? all : R(1.1754944e-38);
  for (long i = 0; i < batch; i++) share_of[i] /= all;
  costs(batch, @output@, target, cost, @by_output@, share_of);
  for (long i = 0; i < batch; i++) loss += cost[i] * share_of[i];
@backward@
  real penalty = 0;
  if (l1 != 0 || l2 != 0) {
    const real one = (real)l1, two = (real)(2 * l2);
    real sizes = 0, squares = 0;
    SUM(sizes) for (long i = 0; i < KERNELS; i++) sizes += abs_(W[i]);
    SUM(squares) for (long i = 0; i < KERNELS; i++) squares += W[i] * W[i];
    EACH(i, KERNELS) G[i] += one * sign_(W[i]) + two * W[i];
    penalty = (real)l1 * sizes + (real)l2 * squares;
  }
  real norm = 0, factor = 1;
  if (isfinite(clip)) {
    real square = 0;
    SUM(square) for (long i = 0; i < TRAINED; i++) square += G[i] * G[i];
    norm = sqrt_(square);
    const real most = (real)clip / (norm + R(1e-6));
    factor = most < 1 ? most : most == most ? 1 : most;
  }
  if (shown) memcpy(before, W, sizeof(real) * KERNELS);

  /* Kernels alone decay. */
  const real square =
      update(call, 0, KERNELS, W, rate, step, factor, (real)(1.0 - rate * given[6])) +
      update(call, KERNELS, TRAINED, W, rate, step, factor, 1);
  if (!isfinite(clip)) norm = sqrt_(square);

  if (call->average) {
    const real d = (real)numbers[2], rest = (real)(1.0 - numbers[2]);
    real *average = call->average;
    if (numbers[2] == 0.0) memcpy(average, W, sizeof(real) * AVERAGED);
    else EACH(i, AVERAGED) average[i] = d * average[i] + rest * W[i];
  }
  if (shown) {
    static const long place[MATRICES + 1][2] = {@places@};
    for (long m = 0; m < MATRICES; m++) {
      real size = 0, change = 0, pull = 0;
      for (long i = place[m][0]; i < place[m][1]; i++) {
        const real moved = W[i] - before[i], g = G[i] * factor;
        pull += g * g; size += before[i] * before[i]; change += moved * moved;
      }
      shown[m] = sqrt_(pull); shown[MATRICES + m] = sqrt_(size);
      shown[2 * MATRICES + m] = sqrt_(change);
    }
  }
  seen[0] = loss; seen[1] = penalty; seen[2] = norm;
  return loss;
}

/* The class that a row of outputs or of targets names; a single number is that of the second. */
static inline long named(const real *row, long count, real bound) {
  long best = 0;
  for (long j = 1; j < count; j++) best = row[j] > row[best] ? j : best;
  return count > 1 ? best : row[0] > bound;
}

/* The losses of sample and validation part; of the latter what is right, and its outputs. */
static void evaluate(const Call *call, double *losses, double *right, real *outputs) {
  const real *W = call->average ? call->average : call->memory;
  const long rows = call->sampled + call->validated;
  double sums[2] = {0, 0}, weight[2] = {0, 0}, hits = 0;
  real each[PASS];
  for (long start = 0; start < rows; start += PASS) {
    const long count = rows - start < PASS ? rows - start : PASS;
    const real *@eval_input@ = call->evaluated + start * WIDE;
    const real *targets = call->wanted + start * LABEL;
@evaluate@
    costs(count, @eval_output@, targets, each, 0, 0);
    for (long i = 0; i < count; i++) {
      const long r = start + i, part = r >= call->sampled;
      const double counts = call->weighed[r];
      sums[part] += each[i] * counts;
      weight[part] += counts;
      if (part) {
        const real *output = @eval_output@ + i * APART;
        if (named(output, OUTPUTS, 0) == named(targets + i * LABEL, TARGETS, R(0.5)))
          hits += counts;
        if (outputs)
          memcpy(outputs + (r - call->sampled) * OUTPUTS, output, sizeof(real) * OUTPUTS);
      }
    }
  }
  for (long part = 0; part < 2; part++) losses[part] = sums[part] / weight[part];
  *right = hits / weight[1];
}

static long trained(const Call *call) {
  for (long epoch = 0; epoch < call->epochs; epoch++) {
    const int32_t *rows = call->rows + epoch * call->apart * batch;
    const double *numbers = call->numbers + epoch * call->apart * 3;
    real *seen = call->seen + epoch * call->apart * 3;
    double *losses = call->losses + epoch * 2;
    real *shown = call->shown + epoch * 3 * MATRICES;
    real *outputs = call->outputs ? call->outputs + epoch * call->validated * OUTPUTS : 0;
    long finite = 1;
    for (long s = 0; s < call->steps; s++) {
      const real loss = take(call, call->first + epoch * call->steps + s, rows + s * batch,
                             numbers + s * 3, seen + s * 3, s == call->steps - 1 ? shown : 0);
      finite &= isfinite(loss) != 0;
    }
    evaluate(call, losses, call->right + epoch, outputs);
    memcpy(call->kept + epoch * AVERAGED, call->average ? call->average : call->memory,
           sizeof(real) * AVERAGED);
    if (!finite || !isfinite(losses[1])) return epoch + 1;
  }
  return call->epochs;
}

/* Train some epochs, and stop after the first whose losses are no numbers; return how many.
   Return -1 where memory is short. */
long train(const Call *call) {
  if (!reserved(call->batch)) return -1;
  const unsigned long mode = flushing(); /* or what fades away takes a hundred times as long */
  const long epochs = trained(call);
  floating(mode);
  return epochs;
}
