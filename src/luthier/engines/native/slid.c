/* Products whose rows of A are parts of images, which tiles read where they lie: an image is rounded
 * once, and however many windows see a pixel, it is laid out for none of them. */
enum { STEPS = MOST / DEEP };

/* Some places of a line: how far from the first number of an image, and from the first row of C. */
typedef struct { long at, row, count; } Run;

static Run run_of(const Slide *at, long n, long most) {
  const long each = (at->places + most - 1) / most, line = n / each, first = n % each * most;
  return (Run){line * at->lines_apart + first * at->places_apart, line * at->places + first,
               least(most, at->places - first)};
}

/* Some numbers that follow on each other in what a window sees: `row` is theirs in a kernel. */
static Run piece_of(const Slide *at, long n, long most) {
  const long each = (at->seen + most - 1) / most, line = n / each, first = n % each * most;
  return (Run){line / at->seen_rows * at->seen_lines_apart +
                   line % at->seen_rows * at->seen_rows_apart + first,
               line * at->seen + first, least(most, at->seen - first)};
}

static inline long count_of(long lines, long size, long most) {
  return lines * ((size + most - 1) / most);
}

/* What windows see, by a kernel: C has a row for each place. */
static void by_place(const Slide *at, const real *A, const real *B, real *C, const real *bias,
                     const real *gate, long images, long left, long broad, half *room) {
  const long all = count_of(at->seen_lines * at->seen_rows, at->seen, DEEP);
  const long runs = count_of(at->lines, at->places, SIDE), rows = at->lines * at->places;
  for (long from = 0; from < all; from += STEPS) {
    const long steps = least(STEPS, all - from);
    const int start = from ? HELD : at->start, end = from + steps == all ? at->end : PLAIN;
    long steps_at[STEPS];
    for (long k = 0; k < steps; k++) {
      const Run piece = piece_of(at, from + k, DEEP);
      steps_at[k] = piece.at;
      for (long n = 0; n < broad; n += SIDE)
        lay(B + piece.row * at->rows_of_b + left + n, at->rows_of_b, SIDE, piece.count, 0, 0,
            tile_of_b(n, k), APART_B);
    }
    for (long image = 0; image < images; image++) {
      const real *whole_image = A + image * at->images_apart;
      for (int part = 0; part < PARTS; part++)
        for (long i = 0; i < at->image; i += DEEP)
          *(lanes *)(room + part * at->room + i) =
              rounded(part_of(LOAD(whole_image + i), part), part_of(LOAD(whole_image + i + SIDE), part));
      for (long r = 0; r < runs; r += 2) {
        const int tall = r + 1 < runs;
        const Run one = run_of(at, r, SIDE), other = run_of(at, r + tall, SIDE);
        const half *upper[PARTS], *lower[PARTS];
        for (int part = 0; part < PARTS; part++) {
          upper[part] = room + part * at->room + one.at;
          lower[part] = room + part * at->room + other.at;
        }
        for (long n = 0; n < broad; n += 2 * SIDE) {
          const int wide = broad - n > SIDE;
          const long cell = image * rows * at->rows_of_c + left + n;
          const long here = cell + one.row * at->rows_of_c, there = cell + other.row * at->rows_of_c;
          multiply(upper, lower, steps_at, steps, at->places_apart * sizeof(half), n / SIDE / 2, tall, wide);
          store(at->rows_of_c, C + here, bias + left + n, gate + here, start, end, one.count, wide, 0);
          if (tall)
            store(at->rows_of_c, C + there, bias + left + n, gate + there, start, end, other.count, wide, 1);
        }
      }
    }
  }
}

#if PARTS == 1 /* a gradient is rounded */
/* Add a tile of sums to C the other way round. */
static inline void add_turned(real *sums, real *C, long far, long count) {
  real turned[SIDE * SIDE] ALIGNED;
  turn_block(sums, SIDE, turned, SIDE);
  for (long r = 0; r < count; r++) STORE(C + r * far, LOAD(C + r * far) + LOAD(turned + r * SIDE));
}

/* Places by what windows made there: C has a row for each number that a window sees. Summed the other
 * way round, as then what windows see need not be turned: two places lie beside each other. */
static void by_kernel(const Slide *at, const real *A, const real *B, real *C, long images, long left,
                      long broad, half *room) {
  const long all = count_of(at->lines, at->places, DEEP), line = SIDE * sizeof(real);
  const long seen = count_of(at->seen_lines * at->seen_rows, at->seen, SIDE);
  const long apart = 4 * at->places_apart * sizeof(half);
  for (long image = 0; image < images; image++) {
    const real *from = A + image * at->images_apart, *made = B + image * at->lines * at->places * at->rows_of_b;
    for (long i = 0; i < at->image; i += SIDE)
      *(lanes *)(room + 2 * i) = in_pairs(rounded(LOAD(from + i), LOAD(from + i + at->places_apart)));
    for (long top = 0; top < all; top += STEPS) {
      const long steps = least(STEPS, all - top);
      long steps_at[STEPS];
      for (long k = 0; k < steps; k++) {
        const Run run = run_of(at, top + k, DEEP);
        steps_at[k] = 2 * run.at;
        for (long n = 0; n < broad; n += SIDE)
          lay(made + run.row * at->rows_of_b + left + n, at->rows_of_b, SIDE, run.count, 0, 1,
              tile_of_a(n, k), APART_A);
      }
      for (long n = 0; n < broad; n += 2 * SIDE)
        for (long p = 0; p < seen; p += 2) {
          const int tall = broad - n > SIDE, wide = p + 1 < seen;
          const Run one = piece_of(at, p, SIDE), other = piece_of(at, p + wide, SIDE);
          CLEAR(0); CLEAR(1); CLEAR(2); CLEAR(3);
          for (long k = 0; k < steps; k++) {
            READ(4, tile_of_a(n, k), (long)ROW);
            if (tall) READ(5, tile_of_a(n + SIDE, k), (long)ROW);
            READ(6, room + 2 * one.at + steps_at[k], apart);
            if (wide) READ(7, room + 2 * other.at + steps_at[k], apart);
            add_products(tall, wide);
          }
          real sums[4][SIDE * SIDE] ALIGNED;
          WRITE(0, sums[0], line); WRITE(1, sums[1], line);
          WRITE(2, sums[2], line); WRITE(3, sums[3], line);
          for (int i = 0; i <= tall; i++)
            for (int j = 0; j <= wide; j++) {
              const Run to = j ? other : one;
              add_turned(sums[2 * i + j], C + to.row * at->rows_of_c + left + n + i * SIDE, at->rows_of_c,
                         to.count);
            }
        }
    }
  }
}
#endif

@declaration@ {
  BEGIN;
  for (long left = 0; left < at->columns; left += 2 * SIDE * PANELS) {
    const long broad = least(2 * SIDE * PANELS, at->columns - left);
#if PARTS == 1
    if (at->sums_places) by_kernel(at, A, B, C, given, left, broad, room);
    else
#endif
      by_place(at, A, B, C, bias, gate, given, left, broad, room);
  }
  END;
}
