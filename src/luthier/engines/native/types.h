/* Vectors, and products of matrices: what every part of a program begins with. */
#include <string.h>
#include <stdint.h>

#if DOUBLE
typedef double real;
typedef int64_t whole;
#define R(x) x
#else
typedef float real;
typedef int32_t whole;
#define R(x) x##f
#endif

typedef real vec __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real))));
typedef whole lanes __attribute__((vector_size(LANES * sizeof(whole))));
#define LOAD(p) (*(const vec *)(p))
#define STORE(p, v) (*(vec *)(p) = (v))
#define POSITIVE(v) ((vec)((lanes)(v) & ~((v) <= 0))) /* a NaN stays one */
#define GATED(v, by) ((vec)((lanes)(v) & ((by) > 0)))
#ifdef __clang__
#define TILE __attribute__((noinline))
#define SHUFFLED(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define TILE __attribute__((noinline, noclone)) /* one copy each: many take long to compile */
#define SHUFFLED(a, b, ...) __builtin_shuffle(a, b, (lanes){__VA_ARGS__})
#endif
#define ALIGNED __attribute__((aligned(64)))
#define LANE(l) for (long l = 0; l < LANES; l++)

/* A product's sizes and how its matrices lie. What is 0 of rows and inner, the caller says. */
typedef struct {
  long inner, most;              /* rows of B; and how many are multiplied at a time */
  long far;                      /* how far apart A's rows lie, or its columns: the others follow */
  long rows_of_b, rows_of_c;     /* how far apart they lie */
  long turned;                   /* columns of a B that lies transposed; 0 for one that does not */
  int packs;                     /* whether columns of B are copied next to each other */
  int start, later, end;         /* what sums start from, at first and then; what becomes of them */
} Layout;

/* The same for a product whose rows of A are parts of images: places that a window moves to. */
typedef struct {
  int sums_places;               /* whether they are summed over, or what the window sees at each */
  long lines, lines_apart;       /* of places, in an image */
  long places, places_apart;     /* of a line */
  long images_apart;
  long seen_lines, seen_lines_apart; /* of what the window sees at a place */
  long seen_rows, seen_rows_apart;   /* pieces of such a line; 1 where it lies in one */
  long seen;                     /* numbers of a piece, which follow on each other */
  long image, room;              /* numbers of an image; and of one that is rounded, with a margin */
  long columns, rows_of_b, rows_of_c;
  int start, end;
} Slide;
enum { ZERO, BIAS, HELD, EITHER, PLAIN, RELU, GATE };

#pragma GCC visibility push(hidden) /* the parts of one program are linked, and see each other alone */
void turn(const real *from, long rows, long columns, long stride, real *to, long apart);
#pragma GCC visibility pop
