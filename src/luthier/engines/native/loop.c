/* How a trial trains: some epochs of steps, and an evaluation after each. */

/* Of a batch: targets, what rows count, what they cost. Of a network: gradients, and weights before
   a step that is watched. */
static real *target, *share_of, *cost, *each, *moves, *scratch, *G, *before;

/* Make room for a batch; return whether there is. */
static int reserved(long rows) {
  static real *all;
  static long most;
  if (!made_room(rows)) return 0;
  if (rows <= most) return 1;
  const long beside = ROOM(rows * sizes.positions), pass = ROOM(sizes.pass * sizes.positions);
  const long aims = beside * (sizes.labelled ? 1 : sizes.label), width = ROOM(2 * sizes.width);
  const long room = ROOM((sizes.filled + sizes.label) * LANES);
  const long trained = ROOM(sizes.trained + LANES), kernels = ROOM(sizes.kernels + LANES);
  const size_t size =
      sizeof(real) * (aims + beside * 2 + pass + width + room + trained + kernels);
  free(all);
  all = aligned_alloc(64, size);
  most = all ? rows : 0;
  if (!all) return 0;
  memset(all, 0, size);
  target = all;
  share_of = target + aims;
  cost = share_of + beside;
  each = cost + beside;
  moves = each + pass;
  scratch = moves + width;
  G = scratch + room;
  before = G + trained;
  return 1;
}

/* Whether a hole around a middle covers a place of a side. */
static inline int cut(long at, long middle, long side) {
  return at >= middle - side / 2 && at < middle - side / 2 + side;
}

/* An image flipped left to right, shifted, or cut; what comes in is zero. Drawn for a batch's row.
   Where pixels have classes those move along, and what they count; what comes in counts nothing. */
static void moved(const Call *call, long index, uint32_t row, long r, const real *from, real *to,
                  real *classes, real *counts) {
  const long high = sizes.high, broad = sizes.broad;
  long flip = 0, down = 0, right = 0, row_of_hole = 0, column = 0;
  for (uint32_t kind = @flip_word@; kind < @flip_word@ + 5; kind++) {
    uint32_t key[2] = {call->words[0], call->words[1]};
    folded(key, kind);
    folded(key, (uint32_t)index);
    const uint32_t bits = drawn(key, row);
    if (kind == @flip_word@) flip = (call->augmentation & 1) && bits % 2;
    else if (kind == @flip_word@ + 3) row_of_hole = (long)(bits % high);
    else if (kind == @flip_word@ + 4) column = (long)(bits % broad);
    else if (!(call->augmentation & 2)) continue;
    else if (kind == @flip_word@ + 1) down = (long)(bits % (2 * sizes.down + 1)) - sizes.down;
    else right = (long)(bits % (2 * sizes.right + 1)) - sizes.right;
  }
  for (long c = 0; c < sizes.channels; c++) for (long y = 0; y < high; y++)
    for (long x = 0; x < broad; x++) {
      const long at_y = y + down, at_x = (flip ? broad - 1 - x : x) + right;
      const int hole = (call->augmentation & 4) && cut(y, row_of_hole, sizes.tall_hole) &&
                       cut(x, column, sizes.broad_hole);
      const int inside = at_y >= 0 && at_y < high && at_x >= 0 && at_x < broad && !hole;
      to[(c * high + y) * broad + x] = inside ? from[(c * high + at_y) * broad + at_x] : 0;
      if (!sizes.labelled || c) continue;
      const int known = at_y >= 0 && at_y < high && at_x >= 0 && at_x < broad;
      const long own = r * sizes.positions + (known ? at_y * broad + at_x : 0);
      classes[y * broad + x] = known ? call->target[own] : 0;
      counts[y * broad + x] = known ? call->weight[own] : 0;
    }
}

/* A row of a batch as a step sees it: as it is, or varied in the room that is given. */
static const real *seen_as(const Call *call, long index, uint32_t row, long r, real *room,
                           real *classes, real *counts) {
  const long width = sizes.width;
  const real *x = call->inputs + r * width;
  if (call->augmentation) {
    moved(call, index, row, r, x, room, classes, counts);
    x = room;
  }
  if (call->noise) {
    uint32_t key[2] = {call->words[0], call->words[1]};
    folded(key, @noise_word@);
    folded(key, (uint32_t)index);
    const uint32_t first = row * (uint32_t)width;
    const real *noise = call->noise;
    EACH(j, width) room[j] = x[j] + noise[j] * normal_(drawn(key, first + (uint32_t)j));
    x = room;
  }
  return x;
}

/* Read the rows of a batch; `own` is a row's share where it is mixed with another. */
static void gather(const Call *call, long index, const int32_t *rows, double own, double smooth) {
  const long batch = call->batch, width = sizes.width, label = sizes.label;
  const real a = (real)own, b = (real)(1.0 - own), stay = (real)(1.0 - smooth);
  const real even = (real)(smooth / (sizes.targets > 2 ? sizes.targets : 2));
  const long positions = sizes.positions;
  for (long i = 0; i < batch; i++) {
    const long r = rows[i], q = rows[batch - 1 - i];
    real *to = input + i * sizes.wide;
    if (sizes.labelled) {
      real *classes = target + i * positions, *counts = share_of + i * positions;
      EACH(p, positions) {
        classes[p] = call->target[r * positions + p];
        counts[p] = call->weight[r * positions + p];
      }
      const real *x = seen_as(call, index, (uint32_t)i, r, moves, classes, counts);
      EACH(j, width) to[j] = x[j];
      continue;
    }
    const real *t = call->target + r * label;
    const real *x = seen_as(call, index, (uint32_t)i, r, moves, 0, 0);
    real *aim = target + i * label;
    if (own < 1.0) {
      const real *other =
          seen_as(call, index, (uint32_t)(batch - 1 - i), q, moves + width, 0, 0);
      const real *u = call->target + q * label;
      EACH(j, width) to[j] = a * x[j] + b * other[j];
      EACH(j, label) aim[j] = a * (stay * t[j] + even) + b * (stay * u[j] + even);
      share_of[i] = a * call->weight[r] + b * call->weight[q];
    } else {
      EACH(j, width) to[j] = x[j];
      EACH(j, label) aim[j] = stay * t[j] + even;
      share_of[i] = call->weight[r];
    }
  }
}

/* The norms of each kernel: of its gradient, of itself before the step, of how it moved. */
static void show(const real *W, real factor, real *shown) {
  for (long m = 0; m < sizes.matrices; m++) {
    real size = 0, change = 0, pull = 0;
    for (long i = sizes.places[m][0]; i < sizes.places[m][1]; i++) {
      const real way = W[i] - before[i], g = G[i] * factor;
      pull += g * g; size += before[i] * before[i]; change += way * way;
    }
    shown[m] = sqrt_(pull);
    shown[sizes.matrices + m] = sqrt_(size);
    shown[2 * sizes.matrices + m] = sqrt_(change);
  }
}

/* One step: loss, gradients, penalties, clipping, update, average. Returns the data loss. */
static real take(const Call *call, long index, const int32_t *rows, const double *numbers,
                 real *seen, real *shown) {
  const double *given = call->settings;
  const double l1 = given[4], l2 = given[5], clip = given[7];
  const double rate = numbers[0], step = (double)(index + 1);
  const long kernels = sizes.kernels, trained = sizes.trained;
  const long examples = call->batch * sizes.positions;
  real *W = call->memory;
  uint32_t key[2] = {call->words[0], call->words[1]};
  folded(key, (uint32_t)index);

  gather(call, index, rows, numbers[1], given[8]);
  forward(call, W, key);
  double all = 0, loss = 0;
  for (long i = 0; i < examples; i++) all += share_of[i];
  const real whole_share = (real)(all > 1.1754944e-38 ? all : 1.1754944e-38);
  for (long i = 0; i < examples; i++) share_of[i] /= whole_share;
  costs(examples, output, target, cost, by_output, share_of, given[8], scratch);
  for (long i = 0; i < examples; i++) loss += (double)cost[i] * share_of[i];
  backward(call, W, G, key);

  real penalty = 0;
  if (l1 != 0 || l2 != 0) {
    const real one = (real)l1, two = (real)(2 * l2);
    real total = 0, squares = 0;
    SUM(total) for (long i = 0; i < kernels; i++) total += abs_(W[i]);
    SUM(squares) for (long i = 0; i < kernels; i++) squares += W[i] * W[i];
    EACH(i, kernels) G[i] += one * sign_(W[i]) + two * W[i];
    penalty = (real)l1 * total + (real)l2 * squares;
  }
  real norm = 0, factor = 1;
  if (isfinite(clip)) {
    real square = 0;
    SUM(square) for (long i = 0; i < trained; i++) square += G[i] * G[i];
    norm = sqrt_(square);
    const real most = (real)clip / (norm + R(1e-6));
    factor = most < 1 ? most : most == most ? 1 : most;
  }
  if (shown) memcpy(before, W, sizeof(real) * kernels);

  /* Kernels alone decay. */
  const real kept = (real)(1.0 - rate * given[6]);
  real square = update(given, kernels, W, G, call->slots, trained, rate, step, factor, kept);
  square += update(given, trained - kernels, W + kernels, G + kernels, call->slots + kernels,
                   trained, rate, step, factor, 1);
  if (!isfinite(clip)) norm = sqrt_(square);

  if (call->average) {
    const real d = (real)numbers[2], rest = (real)(1.0 - numbers[2]);
    real *average = call->average;
    if (numbers[2] == 0.0) memcpy(average, W, sizeof(real) * sizes.averaged);
    else EACH(i, sizes.averaged) average[i] = d * average[i] + rest * W[i];
  }
  if (shown) show(W, factor, shown);
  seen[0] = (real)loss; seen[1] = penalty; seen[2] = norm;
  return (real)loss;
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
  const long rows = call->sampled + call->validated, positions = sizes.positions;
  const long label = sizes.labelled ? 1 : sizes.label;
  double sums[2] = {0, 0}, weight[2] = {0, 0}, hits = 0;
  for (long start = 0; start < rows; start += sizes.pass) {
    const long count = rows - start < sizes.pass ? rows - start : sizes.pass;
    const real *found = passed(W, call->evaluated + start * sizes.wide, count);
    const real *targets = call->wanted + start * positions * label;
    costs(count * positions, found, targets, each, 0, 0, 0, scratch);
    for (long i = 0; i < count * positions; i++) {
      const long r = start * positions + i, part = r >= call->sampled * positions;
      const double counts = call->weighed[r];
      sums[part] += each[i] * counts;
      weight[part] += counts;
      if (part) {
        const real *row = found + i * sizes.apart;
        const real *aim = targets + i * label;
        if (named(row, sizes.outputs, 0) ==
            (sizes.labelled ? (long)*aim : named(aim, sizes.targets, R(0.5))))
          hits += counts;
        if (outputs)
          memcpy(outputs + (r - call->sampled * positions) * sizes.outputs, row,
                 sizeof(real) * sizes.outputs);
      }
    }
  }
  for (long part = 0; part < 2; part++) losses[part] = sums[part] / weight[part];
  *right = hits / weight[1];
}

static long trained(const Call *call) {
  const long averaged = sizes.averaged, matrices = sizes.matrices, positions = sizes.positions;
  for (long epoch = 0; epoch < call->epochs; epoch++) {
    const int32_t *rows = call->rows + epoch * call->apart * call->batch;
    const double *numbers = call->numbers + epoch * call->apart * 3;
    real *seen = call->seen + epoch * call->apart * 3;
    double *losses = call->losses + epoch * 2;
    real *shown = call->shown + epoch * 3 * matrices;
    real *outputs =
        call->outputs ? call->outputs + epoch * call->validated * positions * sizes.outputs : 0;
    long finite = 1;
    for (long s = 0; s < call->steps; s++) {
      const real loss = take(call, call->first + epoch * call->steps + s, rows + s * call->batch,
                             numbers + s * 3, seen + s * 3, s == call->steps - 1 ? shown : 0);
      finite &= isfinite(loss) != 0;
    }
    evaluate(call, losses, call->right + epoch, outputs);
    memcpy(call->kept + epoch * averaged, call->average ? call->average : call->memory,
           sizeof(real) * averaged);
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
