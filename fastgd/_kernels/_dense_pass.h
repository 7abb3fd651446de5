/* One pass over the weights of sixteen lanes of float: w += old * step, then sums += x * w; see pass_dense in lane_rows.pxd.

   A lane has sixteen partial sums, which with AVX-512 are sixteen registers: so the weights, more than the nearest cache holds, are gone
   through as they lie in memory, and rows are read once. With fewer registers four sums at a time are all that stay in them. */
#if defined(__AVX512F__)
#define HAS_WIDE_PASS 1
typedef float wide_vector __attribute__((vector_size(64), aligned(4), may_alias));

static inline void WIDE_PASS(
    Py_ssize_t n_groups, const float *old, const float *step, const float *x, const float *coming, float *w, float *out
) {
    wide_vector own = *(const wide_vector *) step;
#define EACH_SUM(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)
#define BEGIN(p) wide_vector sum##p = {0};
#define ADD_AND_MULTIPLY(p) { \
        wide_vector new = lanes[p] + old[p] * own; \
        lanes[p] = new; \
        sum##p += x[p] * new; \
    }
#define END(p) ((wide_vector *) out)[p] = sum##p;
    EACH_SUM(BEGIN)
    for (Py_ssize_t group = 0; group < n_groups; group++, old += 16, x += 16, coming += 16, w += 256) {
        wide_vector *lanes = (wide_vector *) w;
        PREFETCH(coming);
        EACH_SUM(ADD_AND_MULTIPLY)
    }
    EACH_SUM(END)
#undef EACH_SUM
#undef BEGIN
#undef ADD_AND_MULTIPLY
#undef END
}
#else
#define HAS_WIDE_PASS 0
#define WIDE_PASS(n_groups, old, step, x, coming, w, out)
#endif
