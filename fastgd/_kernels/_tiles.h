/* Dense rows times weights, and slopes times dense rows, for tiles of 1, 4, 8 and 16 lanes of float and double.

   forward(n, n_features, x, w, stride, z):          z[i] = x[i] @ w      for n rows, x[i] being the address of each
   backward(n, low, high, x, slope, stride, g):      g += x.T @ slope     for the features from `low` to before `high`

w, z, slope and g have `stride` elements from one feature (or row) to the next; a tile is the first LANES of them.

Written with the compiler's vector types, so that no optimisation level decides whether the sums stay in registers. No BLAS: its sums
depend on where a column stands and on the processor, and for so few columns it is not faster: 60000 x 784 float32 rows, 10 columns, both
products, one thread of an AMD EPYC: OpenBLAS 0.048, 0.073, 0.083 s in batches of 32, 128, 1024 rows side by side in memory; a whole
softmax epoch of rows in random order, with this, 0.068, 0.055, 0.054 s. */

#ifndef FASTGD_TILES_H
#define FASTGD_TILES_H
#include <Python.h>

#define SUMS 16
#define BLOCK 256 /* features whose weights and rows stay in the nearest cache */
#ifdef __AVX512F__ /* 32 registers */
#define ROWS 8
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#else
#define ROWS 4
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3)
#endif

typedef void (*tile_forward)(Py_ssize_t, Py_ssize_t, const void *const *, const void *, Py_ssize_t, void *);
typedef void (*tile_backward)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const void *const *, const void *, Py_ssize_t, void *);

#define REAL float
#define LANES 4
#define NAME(x) x##_float_4
#include "_tile.h"
#undef LANES
#undef NAME
#define LANES 8
#define NAME(x) x##_float_8
#include "_tile.h"
#undef LANES
#undef NAME
#define LANES 16
#define NAME(x) x##_float_16
#include "_tile.h"
#undef LANES
#undef NAME
#define NAME(x) x##_float_1
#include "_one_lane.h"
#undef NAME
#undef REAL

#define REAL double
#define LANES 4
#define NAME(x) x##_double_4
#include "_tile.h"
#undef LANES
#undef NAME
#define LANES 8
#define NAME(x) x##_double_8
#include "_tile.h"
#undef LANES
#undef NAME
#define LANES 16
#define NAME(x) x##_double_16
#include "_tile.h"
#undef LANES
#undef NAME
#define NAME(x) x##_double_1
#include "_one_lane.h"
#undef NAME
#undef REAL

static inline tile_forward forward_of(int is_double, int lanes) {
    if (is_double) return lanes == 1 ? forward_double_1 : lanes == 4 ? forward_double_4 : lanes == 8 ? forward_double_8 : forward_double_16;
    return lanes == 1 ? forward_float_1 : lanes == 4 ? forward_float_4 : lanes == 8 ? forward_float_8 : forward_float_16;
}

static inline tile_backward backward_of(int is_double, int lanes) {
    if (is_double)
        return lanes == 1 ? backward_double_1 : lanes == 4 ? backward_double_4 : lanes == 8 ? backward_double_8 : backward_double_16;
    return lanes == 1 ? backward_float_1 : lanes == 4 ? backward_float_4 : lanes == 8 ? backward_float_8 : backward_float_16;
}

#endif
