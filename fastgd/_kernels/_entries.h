/* Runs of plain entries of libsvm text, "index:value index:value ", a vector of bytes at a time on an x86-64 processor.

   A plain entry has an index of 1 to 8 digits that is larger than the one before, and a value of at most 24 digits, with or without a
   sign '-', a point behind the first digit and an exponent; it is at most 63 bytes long and ends in a blank or a newline, and its value
   needs no more than one rounding. At anything else a run ends, and `read_entries` in _libsvm.pyx, which knows all rules, takes one entry.

   One comparison of 32 bytes finds where the entry ends, so that the next one can begin before this one is done; index and value, 8 and
   24 digits right-aligned in 32 bytes, become four numbers of 8 digits by three multiply-and-add instructions. Wider vectors and more
   comparisons were slower. The bytes from ENTRIES_BEFORE before a run to 64 behind it must be readable. */
#ifndef FASTGD_ENTRIES_H
#define FASTGD_ENTRIES_H

#include <stdint.h>
#include <string.h>
#include "_decimal.h"

#define ENTRIES_BEFORE 32

#if defined(__x86_64__)
#include <immintrin.h>

/* The 32 bytes from place n on select the last n of 32 bytes. */
static const uint8_t entries_last[64] __attribute__((aligned(64))) = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

/* Mark which of 32 bytes are no digits, and which of these are blanks or may be line ends. */
static inline void entries_scan(const char *at, uint64_t *others, uint64_t *ends) {
    /* Comparisons are signed: bytes above 127 count as ends too. */
    const char shift = (char) (128 - '0'), nine = (char) (128 + 9), above = ' ' + 1;
#if defined(__AVX2__)
    __m256i text = _mm256_loadu_si256((const __m256i *) at);
    __m256i shifted = _mm256_add_epi8(text, _mm256_set1_epi8(shift));
    *others = (uint32_t) _mm256_movemask_epi8(_mm256_cmpgt_epi8(shifted, _mm256_set1_epi8(nine)));
    *ends = (uint32_t) _mm256_movemask_epi8(_mm256_cmpgt_epi8(_mm256_set1_epi8(above), text));
#else
    *others = *ends = 0;
    for (int k = 0; k < 32; k += 16) {
        __m128i text = _mm_loadu_si128((const __m128i *) (at + k));
        __m128i shifted = _mm_add_epi8(text, _mm_set1_epi8(shift));
        *others |= (uint64_t) _mm_movemask_epi8(_mm_cmpgt_epi8(shifted, _mm_set1_epi8(nine))) << k;
        *ends |= (uint64_t) _mm_movemask_epi8(_mm_cmpgt_epi8(_mm_set1_epi8(above), text)) << k;
    }
#endif
}

/* Sixteen bytes of digits to two numbers of eight digits, the first in the low half. */
static inline uint64_t entries_sixteen(__m128i x) {
    x = _mm_add_epi16(_mm_mullo_epi16(_mm_and_si128(x, _mm_set1_epi16(255)), _mm_set1_epi16(10)), _mm_srli_epi16(x, 8));
    x = _mm_madd_epi16(x, _mm_set1_epi32(1 << 16 | 100));
    x = _mm_packs_epi32(x, x);
    x = _mm_madd_epi16(x, _mm_set1_epi32(1 << 16 | 10000));
    return (uint64_t) _mm_cvtsi128_si64(x);
}

/* Eight digits `index` (bytes 0 to 9) and the `digits` digits before `end`, with a point before the last `places` of them where `point`
   is 1, to four numbers of eight digits: the index and the highest in `high`, the others in `low`. */
static inline void entries_digits(
    uint64_t index, const char *end, int point, int64_t places, int64_t digits, uint64_t *high, uint64_t *low) {
#if defined(__AVX2__)
    __m256i behind = _mm256_loadu_si256((const __m256i *) (end - 32));
    __m256i before = _mm256_loadu_si256((const __m256i *) (end - 32 - point));
    __m256i all = _mm256_loadu_si256((const __m256i *) (entries_last + digits));
    __m256i some = _mm256_loadu_si256((const __m256i *) (entries_last + places));
    __m256i x = _mm256_or_si256(_mm256_and_si256(some, behind), _mm256_andnot_si256(some, before));
    x = _mm256_and_si256(_mm256_sub_epi8(x, _mm256_set1_epi8('0')), all);
    x = _mm256_or_si256(x, _mm256_zextsi128_si256(_mm_cvtsi64_si128((long long) index)));
    x = _mm256_maddubs_epi16(x, _mm256_set1_epi16(1 << 8 | 10));
    x = _mm256_madd_epi16(x, _mm256_set1_epi32(1 << 16 | 100));
    x = _mm256_packus_epi32(x, x);
    x = _mm256_madd_epi16(x, _mm256_set1_epi32(1 << 16 | 10000));
    *high = (uint64_t) _mm_cvtsi128_si64(_mm256_castsi256_si128(x));
    *low = (uint64_t) _mm_cvtsi128_si64(_mm256_extracti128_si256(x, 1));
#else
    __m128i half[2];
    for (int k = 0; k < 2; k++) {
        __m128i behind = _mm_loadu_si128((const __m128i *) (end - 32) + k);
        __m128i before = _mm_loadu_si128((const __m128i *) (end - 32 - point) + k);
        __m128i all = _mm_loadu_si128((const __m128i *) (entries_last + digits) + k);
        __m128i some = _mm_loadu_si128((const __m128i *) (entries_last + places) + k);
        __m128i x = _mm_or_si128(_mm_and_si128(some, behind), _mm_andnot_si128(some, before));
        half[k] = _mm_and_si128(_mm_sub_epi8(x, _mm_set1_epi8('0')), all);
    }
    *high = entries_sixteen(_mm_or_si128(half[0], _mm_cvtsi64_si128((long long) index)));
    *low = entries_sixteen(half[1]);
#endif
}

/* Read e[+-]digits, of 1 to 3 digits, up to `end`; return whether that is what stands there. */
static inline int entries_exponent(const char *at, const char *end, int64_t *power) {
    int minus = at[1] == '-';
    int64_t n = 0;
    if ((*at | 32) != 'e') return 0;
    at += 1 + (minus || at[1] == '+');
    if (end - at < 1 || end - at > 3) return 0;
    for (; at < end; at++) {
        if ((unsigned char) (*at - '0') > 9) return 0;
        n = 10 * n + (*at - '0');
    }
    *power = minus ? -n : n;
    return 1;
}

/* Read plain entries from `at` on: indices above *last_index, less `base`, and values, floats where `single`, behind the *n_entries that
   there are. Return the place of what is no plain entry, or of the newline behind one. */
static inline const char *entries_run(
    const char *at, int64_t base, int64_t *last_index, int32_t *indices, void *values, int single, int64_t *n_entries) {
    int64_t n = *n_entries, last = *last_index;
    for (;;) {
        uint64_t others, ends, high, low, m, word;
        int64_t index, colon, begin, stop, places, digits, end, power = 0;
        int negative, point;
        double value;
        entries_scan(at, &others, &ends);
        if (ends == 0) {
            entries_scan(at + 32, &word, &ends);
            others |= word << 32;
            ends <<= 32;
            if (ends == 0) break;
        }
        end = __builtin_ctzll(ends);
        colon = __builtin_ctzll(others);
        if (at[colon] != ':' || (uint64_t) (colon - 1) > 7 || (at[end] != ' ' && at[end] != '\n')) break;
        others &= others - 1;
        negative = at[colon + 1] == '-';
        others &= others - (uint64_t) negative;
        begin = colon + 1 + negative;
        stop = __builtin_ctzll(others);
        point = at[stop] == '.';
        others &= others - (uint64_t) point;
        places = __builtin_ctzll(others); /* where the digits end */
        if (places != end && !entries_exponent(at + places, at + end, &power)) break;
        digits = places - begin - point;
        memcpy(&word, at + colon - 8, 8);
        word = (word ^ UINT64_C(0x3030303030303030)) >> (64 - 8 * colon) << (64 - 8 * colon);
        if (stop == begin || digits > 24) break;
        entries_digits(word, at + places, point, places - stop - point, digits, &high, &low);
        places -= stop + point;
        index = (int64_t) (high & 0xFFFFFFFF);
        high >>= 32;
        m = high * UINT64_C(10000000000000000) + (low & 0xFFFFFFFF) * 100000000 + (low >> 32);
        /* Up to 19 digits that count fit in 64 bits. */
        if (high > 999 || index <= last || !decimal_exact(m, (int) (power - places), &value)) break;
        if (negative) value = -value;
        indices[n] = (int32_t) (index - base);
        if (single) ((float *) values)[n] = (float) value;
        else ((double *) values)[n] = value;
        n++;
        last = index;
        at += end;
        if (*at != ' ') break;
        at++;
    }
    *n_entries = n;
    *last_index = last;
    return at;
}

#else
static inline const char *entries_run(
    const char *at, int64_t base, int64_t *last_index, int32_t *indices, void *values, int single, int64_t *n_entries) {
    (void) base, (void) last_index, (void) indices, (void) values, (void) single, (void) n_entries;
    return at;
}
#endif

#endif
