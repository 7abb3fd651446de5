/* Matrix products of small networks, float and double, by tiles of C that stay in registers; see _products_of.h.

   Vectors are the compiler's own (GCC and Clang), as wide as the level that this is compiled for. Their width changes no result: an element
   of C is one sum in the order of k, begun with its start, whatever stands beside it. Hence the same bits on every processor, for every
   number of networks, rows or threads, and for sparse rows; a BLAS promises none of this. */
#include <stddef.h>
#include <string.h>

/* A tile is PRODUCTS_ROWS rows (or PRODUCTS_FEW, or one) by PRODUCTS_VECTORS vectors, as was fastest. On Zen 4 a number of A that is used
   once is read by the multiplication itself, and then multiplications and additions keep all four pipes busy: 117 GFLOP/s of float on one
   core, which fused ones would not exceed; two vectors in a row leave a third of that idle. */
#if defined(__AVX512F__)
#define PRODUCTS_BYTES 64
#define PRODUCTS_ROWS 16
#define PRODUCTS_FEW 4
#define PRODUCTS_VECTORS 1
#elif defined(__AVX__)
#define PRODUCTS_BYTES 32
#define PRODUCTS_ROWS 4
#define PRODUCTS_FEW 2
#define PRODUCTS_VECTORS 2
#else
#define PRODUCTS_BYTES 16
#define PRODUCTS_ROWS 4
#define PRODUCTS_FEW 2
#define PRODUCTS_VECTORS 2
#endif

#define PRODUCTS_JOIN_(name, type) name##_##type
#define PRODUCTS_JOIN(name, type) PRODUCTS_JOIN_(name, type)
#define PRODUCTS(name) PRODUCTS_JOIN(name, REAL)
#define PRODUCTS_INLINE static inline __attribute__((always_inline))
#define PRODUCTS_FETCH(address) __builtin_prefetch(address, 0, 2)

#define REAL float
#include "_products_of.h"
#undef REAL
#define REAL double
#include "_products_of.h"
#undef REAL
