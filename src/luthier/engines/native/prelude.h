/* What all parts of a program know beside vectors: keyed randomness, functions that compilers
   vectorise, and what the parts ask of each other. */
#include <math.h>
#include <stdlib.h>

/* Roots and quotients by the processor's estimate and a step of Newton's: as good as to the last
   bit or two, and several times faster. */
#if defined(__x86_64__) && !defined(__clang__) && !DOUBLE
#define APPROXIMATE __attribute__((noinline, target("recip"), \
  optimize("unsafe-math-optimizations", "finite-math-only", "no-trapping-math")))
#else
#define APPROXIMATE __attribute__((noinline))
#endif
#define EACH(i, n) _Pragma("GCC ivdep") for (long i = 0; i < (n); i++)

/* How numbers below the smallest normal one are computed with: exactly, and a hundred times as
   slowly as others, or as zeros. Moments of what has no gradient any more fade into them. */
#if defined(__x86_64__)
static inline void floating(unsigned long mode) { __builtin_ia32_ldmxcsr((unsigned)mode); }
static inline unsigned long flushing(void) {
  const unsigned long before = __builtin_ia32_stmxcsr();
  floating(before | 0x8040); /* results, and what is read */
  return before;
}
#elif defined(__aarch64__)
static inline void floating(unsigned long mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
static inline unsigned long flushing(void) {
  unsigned long before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  floating(before | 1ul << 24);
  return before;
}
#else
static inline void floating(unsigned long mode) { (void)mode; }
static inline unsigned long flushing(void) { return 0; }
#endif

/* Keyed randomness, as in luthier.core.keys. */
static inline uint32_t mixed(uint32_t x) {
  x ^= x >> 16; x *= 0x7FEB352Du; x ^= x >> 15; x *= 0x846CA68Bu; return x ^ (x >> 16);
}
static inline void folded(uint32_t key[2], uint32_t counter) {
  key[0] = mixed(key[0] + mixed(counter + 0x9E3779B9u));
  key[1] = mixed(key[1] ^ mixed(counter + 0xC2B2AE35u));
}
static inline uint32_t drawn(const uint32_t key[2], uint32_t position) {
  return mixed(mixed(position ^ key[0]) + key[1]);
}

/* e^x and what is made of it. In single precision a polynomial on [-ln 2 / 2, ln 2 / 2] (the
   minimax one of Cephes' expf, error below 2e-7), without a branch, so that loops vectorise. */
#if DOUBLE
static inline real exp_(real x) { return exp(x); }
static inline real expm1_(real x) { return expm1(x); }
static inline real tanh_(real x) { return tanh(x); }
static inline real log_(real x) { return log(x); }
static inline real log1p_(real x) { return log1p(x); }
static inline real erf_(real x) { return erf(x); }
#else
static inline real bits_(whole n) { real x; memcpy(&x, &n, sizeof x); return x; }
static inline real exp_(real x) {
  real held = x > 88.5f ? 88.5f : x; /* a NaN stays one */
  held = held < -87.0f ? -87.0f : held;
  real n = held * 1.44269504f + 12582912.0f; /* rounds: 3 * 2^22 */
  n -= 12582912.0f;
  real r = held - n * 0.693359375f;
  r += n * 2.12194440e-4f;
  real p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  real whole_part = n == n ? n : 0.0f;
  real y = p * bits_(((whole)whole_part + 127) << 23);
  y = x < -87.0f ? 0.0f : y;
  return x > 88.72284f ? INFINITY : y;
}
static inline real expm1_(real x) {
  /* Near zero e^x - 1 cancels: a series of seven terms there. */
  real s = x * (1.0f + x * (0.5f + x * (1.66666667e-1f + x * (4.16666667e-2f +
           x * (8.33333333e-3f + x * (1.38888889e-3f + x * 1.98412698e-4f))))));
  return fabsf(x) < 0.35f ? s : exp_(x) - 1.0f;
}
static inline real tanh_(real x) {
  /* (1 - q) / (1 + q) with q = e^-2|x|, from expm1 so that small x keep their digits. */
  real m = expm1_(-2.0f * fabsf(x));
  return copysignf(-m / (2.0f + m), x);
}
static inline real log_(real x) {
  /* Cephes' logf, without its branches: a polynomial on [sqrt(1/2), sqrt(2)]. */
  whole n;
  memcpy(&n, &x, sizeof n);
  whole e = (n >> 23) - 126;
  real m = bits_((n & 0x7FFFFF) | 0x3F000000);
  const whole low = m < 0.707106781f;
  e -= low;
  m = (low ? m + m : m) - 1.0f;
  const real z = m * m;
  real p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  real y = m * z * p + (real)e * -2.12194440e-4f - 0.5f * z;
  y = m + y + (real)e * 0.693359375f;
  y = x < 1.1754944e-38f ? (x < 0 ? NAN : -INFINITY) : y; /* as if the smallest were zero */
  return x > 3.4e38f || x != x ? x : y;
}
static inline real log1p_(real x) { const real u = 1.0f + x; return u == 1.0f ? x : log_(u) * (x / (u - 1.0f)); }
static inline real erf_(real x) {
  /* The rational approximation that Eigen and XLA use: error below 4e-7. */
  real c = x > 4.0f ? 4.0f : x;
  c = c < -4.0f ? -4.0f : c;
  real s = c * c;
  real p = -2.72614225801306e-10f;
  p = p * s + 2.77068142495902e-08f;
  p = p * s - 2.10102402082508e-06f;
  p = p * s - 5.69250639462346e-05f;
  p = p * s - 7.34990630326855e-04f;
  p = p * s - 2.95459980854025e-03f;
  p = p * s - 1.60960333262415e-02f;
  real q = -1.45660718464996e-05f;
  q = q * s - 2.13374055278905e-04f;
  q = q * s - 1.68282697438203e-03f;
  q = q * s - 7.37332916720468e-03f;
  q = q * s - 1.42647390514189e-02f;
  return c * p / q;
}
#endif
static inline real sigmoid_(real x) { return R(1.0) / (R(1.0) + exp_(-x)); }
static inline real sign_(real x) { return x > 0 ? R(1.0) : x < 0 ? R(-1.0) : x; }
static inline real positive_(real x) { return x <= 0 ? 0 : x; }
static inline real larger_(real x, real y) { return x > y || x != x ? x : y; }
#if DOUBLE
#define sqrt_ sqrt
#define abs_ fabs
#else
#define sqrt_ sqrtf
#define abs_ fabsf
#endif

/* A standard normal number, as luthier.catalog.augmentation makes it of 32 random bits. */
static inline real normal_(uint32_t bits) {
  const real x = ((real)(int32_t)(bits >> 8) - R(8388607.5)) / R(8388608.0);
  const real w = -log_((1 - x) * (1 + x)), a = w - R(2.5), b = sqrt_(w > 5 ? w : 5) - 3;
  real near = 0, far = 0;
@normal@
  return R(1.4142135623730951) * (w < 5 ? near : far) * x;
}

#define PRAGMA(text) _Pragma(#text)
#define SUM(total) PRAGMA(omp simd reduction(+ : total))

/* Rows of an array that serves so many: products write some more. */
#define ROOM(rows) (((rows) + @spare@ + 63) / 64 * 64)

#pragma GCC visibility push(hidden) /* the parts of one program are linked, and see each other alone */

/* shared.c: once a machine. */
void column_sums(const real *from, long rows, long columns, long stride, real *to, int adds);
void shares_of(real *rows, long count, long width, long filled);
void standardise(const real *restrict from, long rows, long width, long stride, real eps,
                 const real *restrict weight, const real *restrict bias, int relu,
                 real *restrict to, real *restrict means, real *restrict scales);
void standardise_back(const real *restrict from, const real *restrict g, long rows, long width,
                      long stride, const real *restrict means, const real *restrict scales,
                      const real *restrict weight, real *restrict to, int adds,
                      real *restrict by_weight, real *restrict by_bias);

/* loop.c, once a machine, is called with: */
typedef struct {
  real *memory, *slots, *average;      /* average: NULL without one */
  const real *inputs, *target, *weight; /* the training part; a target takes LABEL numbers, or,
                                           where rows have several classes, one for each */
  const int32_t *rows;                 /* of each step's batch */
  const double *numbers;               /* rate, mixup's share and the average's decay of each step */
  const double *settings;              /* momentum, beta1, beta2, epsilon, l1, l2, decay, clip, smoothing */
  const uint32_t *words, *thresholds;  /* of dropout */
  const double *scales;
  const real *noise;                   /* added to each number of a row; NULL where none is */
  /* Sample and validation part, one after the other: rows of WIDE numbers, a multiple of PASS. */
  const real *evaluated, *wanted, *weighed;
  int64_t sampled, validated;          /* rows of each */
  int64_t batch;                       /* rows of a step */
  int64_t augmentation;                /* images are flipped (1), shifted (2), cut (4), or several */
  int64_t first, steps, apart, epochs; /* first step's number; steps an epoch, and room for them */
  real *seen, *shown, *outputs, *kept; /* what each epoch showed; outputs: NULL unless wanted */
  double *losses, *right;              /* the latter: share of rows whose class is the likeliest */
} Call;

/* network.c: once a network. */
typedef struct {
  long width, wide;              /* numbers of an input, and how far apart inputs lie */
  long outputs, apart, filled;   /* of an output; and filled up to whole vectors */
  long targets, label;           /* of an example's target; and filled up */
  long positions, labelled;      /* examples of a row; whether targets are numbers of classes */
  long kernels, trained, averaged; /* where these kinds of tensors end */
  long matrices;                 /* kernels that are watched */
  const long (*places)[2];       /* first and last number of each */
  long pass;                     /* rows that are evaluated at once */
  long channels, high, broad, down, right; /* of an image, and how far it is shifted */
  long tall_hole, broad_hole;    /* what is cut out of it */
} Sizes;
extern const Sizes sizes;
extern real *input, *output, *by_output; /* of a batch: where its values and their gradient lie */
int made_room(long rows);
void forward(const Call *call, real *W, const uint32_t *key);
void backward(const Call *call, real *W, real *G, const uint32_t *key);
const real *passed(const real *W, const real *inputs, long count);

/* costs.c: once a loss. What each of some examples costs; where `slopes` is not NULL, times a share, by
   each output too. Targets that are numbers of classes are smoothed; others were. `room` is for
   (filled + label) * LANES numbers. */
void costs(long rows, const real *outputs, const real *targets, real *cost, real *slopes,
           const real *shares, double smooth, real *room);

/* update.c: once an optimizer. Decay some weights, then take a step on them; return the gradient's
   square. `slots` are `apart` from each other. */
real update(const double *settings, long count, real *W, const real *G, real *slots, long apart,
            double rate, double step, real factor, real held);

#pragma GCC visibility pop
