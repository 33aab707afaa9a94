/* Products whose numbers are bfloat16, in a processor's tiles: what all such loops share.
 *
 * Some rows of A are rounded and laid out as tiles want them, and some columns of B, which stay in
 * the first caches. Sums are single precision. With PARTS 2 a number is the sum of two, and the
 * product of what both leave over is left out. */
enum { SIDE = 16, DEEP = 32, ROWS = 256 }; /* the last: of A at a time */
typedef uint16_t half;
typedef half packed[SIDE * DEEP];     /* a tile: sixteen rows of sixteen pairs */
typedef packed strip[MOST / DEEP][2]; /* two side by side, for all that is summed over */
typedef struct { strip of[ROWS / SIDE / 2]; } block;
typedef struct { strip of[PANELS]; } panels;
static block tiles_of_a[PARTS] ALIGNED;
static panels tiles_of_b[PARTS] ALIGNED;

/* Tiles of A and B; and how far apart those of two parts lie, in tiles. */
static inline packed *tile_of_a(long i, long k) { return &tiles_of_a[0].of[i / SIDE / 2][k][i / SIDE % 2]; }
static inline packed *tile_of_b(long n, long k) { return &tiles_of_b[0].of[n / SIDE / 2][k][n / SIDE % 2]; }
enum { APART_A = sizeof(block) / sizeof(packed), APART_B = sizeof(panels) / sizeof(packed) };

static inline lanes rounded(vec first, vec second) {
  lanes to;
  __asm__("vcvtne2ps2bf16 %1, %2, %0" : "=v"(to) : "v"(first), "v"(second));
  return to;
}

/* Each number of one beside the same one of the other. */
static inline lanes in_pairs(lanes both) {
  static const half order[2 * SIDE] ALIGNED = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                               21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                               11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  lanes to;
  __asm__("vpermw %1, %2, %0" : "=v"(to) : "v"(both), "v"(*(const lanes *)order));
  return to;
}

/* What is left of a number for one of its parts. */
static inline vec part_of(vec x, int part) {
#if PARTS > 1
  const vec nearest = (vec)(((lanes)x + 0x8000) & (lanes)(-0x10000 + (lanes){0}));
  return part ? x - nearest : nearest;
#else
  return x;
#endif
}

static inline long least(long a, long b) { return a < b ? a : b; }

/* Lay out a tile: `count` rows of A or columns of B, with `deep` numbers each that are summed over;
 * the rest is zero. `follow` says that those follow on each other, `turned` that pairs are wanted
 * the other way round. */
static void lay(const real *from, long far, long count, long deep, int follow, int turned,
                packed *to, long apart) {
  real edge[SIDE * DEEP] ALIGNED, pairs[SIDE * SIDE] ALIGNED;
  if (count < SIDE || deep < DEEP) {
    const long there = least(count, SIDE), along = least(deep, DEEP);
    const long rows = follow ? there : along, columns = follow ? along : there;
    const long wide = follow ? DEEP : SIDE;
    memset(edge, 0, sizeof edge);
    for (long r = 0; r < rows; r++) memcpy(edge + r * wide, from + r * far, columns * sizeof(real));
    from = edge, far = wide;
  }
  for (int part = 0; part < PARTS; part++, to += apart) {
    real *into = turned ? pairs : (real *)*to;
    for (long r = 0; r < SIDE; r++) {
      const real *one = from + (follow ? r : 2 * r) * far, *other = one + (follow ? SIDE : far);
      const lanes both = rounded(part_of(LOAD(one), part), part_of(LOAD(other), part));
      *(lanes *)(into + r * SIDE) = follow ? both : in_pairs(both);
    }
    if (turned) turn_block(pairs, SIDE, (real *)*to, SIDE);
  }
}

enum { ROW = DEEP * sizeof(half) }; /* bytes of a tile's row, where it was laid out */
#define READ(tile, from, apart) \
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile : : "r"(from), "r"(apart) : "memory")
#define WRITE(tile, to, apart) \
  __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)" : : "r"(to), "r"(apart) : "memory")
#define CLEAR(tile) __asm__ volatile("tilezero %%tmm" #tile : :)
#define ADD(sum, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sum : :)

static const struct { half kind, rest[7], bytes[16]; uint8_t rows[16]; } config ALIGNED = {
  1, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
#define BEGIN __asm__ volatile("ldtilecfg %0" : : "m"(config))
#define END __asm__ volatile("tilerelease" : :)

static inline void add_products(int tall, int wide) {
  ADD(0, 4, 6);
  if (wide) ADD(1, 4, 7);
  if (tall) ADD(2, 5, 6);
  if (tall && wide) ADD(3, 5, 7);
}

/* Sum up to 32 rows and columns of C in tiles 0 to 3: what lies at each step from two places on, of
 * rows so many bytes apart, by a panel of B. */
static inline void multiply(const half *const *upper, const half *const *lower, const long *steps_at,
                            long steps, long apart, long panel, int tall, int wide) {
  CLEAR(0); CLEAR(1); CLEAR(2); CLEAR(3);
  for (long k = 0; k < steps; k++) {
#define READ_A(part) READ(4, upper[part] + steps_at[k], apart); \
    if (tall) READ(5, lower[part] + steps_at[k], apart)
#define READ_B(part) READ(6, tiles_of_b[part].of[panel][k], (long)ROW); \
    if (wide) READ(7, tiles_of_b[part].of[panel][k] + 1, (long)ROW)
    READ_A(0);
    READ_B(PARTS - 1);
    add_products(tall, wide);
#if PARTS > 1
    READ_B(0);
    add_products(tall, wide);
    READ_A(1);
    add_products(tall, wide);
#endif
  }
}

/* Store sixteen rows of them or fewer, with what they start from and what becomes of them. */
static inline void store(long far, real *C, const real *bias, const real *gate, int start, int end,
                         long rows, int wide, int lower) {
  if (start == ZERO && end == PLAIN && rows >= SIDE && wide) {
    const long apart = far * sizeof(real);
    if (lower) { WRITE(2, C, apart); WRITE(3, C + SIDE, apart); }
    else { WRITE(0, C, apart); WRITE(1, C + SIDE, apart); }
    return;
  }
  real sums[2 * SIDE * SIDE] ALIGNED;
  const long line = 2 * SIDE * sizeof(real);
  if (lower) { WRITE(2, sums, line); WRITE(3, sums + SIDE, line); }
  else { WRITE(0, sums, line); WRITE(1, sums + SIDE, line); }
  for (long r = 0; r < least(SIDE, rows); r++)
    for (long j = 0; j <= wide; j++) {
      const long cell = r * far + j * SIDE;
      vec sum = LOAD(sums + (2 * r + j) * SIDE);
      if (start == BIAS) sum += LOAD(bias + j * SIDE);
      else if (start != ZERO) sum += LOAD(C + cell);
      if (end == RELU) sum = POSITIVE(sum);
      else if (end == GATE) sum = GATED(sum, LOAD(gate + cell));
      STORE(C + cell, sum);
    }
}
