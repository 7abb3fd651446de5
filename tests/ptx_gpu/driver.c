/* A CUDA driver for a machine without a GPU: `libcuda.so.1` of one device whose memory is the host's and whose kernels run in `machine.py`.

   Only what the tests need is here; a function that is missing is one that the driver does not have. What a stream is asked for waits until
   something waits for the stream, in the order that the CUDA documentation promises and no other: so a result that is read too early, or
   memory that is written while a kernel may still read it, gives wrong numbers here each time, where a real device gives them now and then.

   Memory is surrounded by words that must not change and filled with a number that no test uses. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUCCESS 0
#define INVALID_VALUE 1
#define OUT_OF_MEMORY 2
#define INVALID_CONTEXT 201
#define INVALID_HANDLE 400
#define NOT_FOUND 500
#define NOT_READY 600
#define ILLEGAL_ADDRESS 700

#define GUARD 256
#define POISON 0xC7 /* -102286.2 as float32, -6.1e37 as float64 */
#define PROCESSORS 3
#define CONTEXT ((void *)0x5A10)

typedef int result;
typedef uint64_t address;
typedef int (*kernel_runner)(int64_t kernel, const unsigned *shape, const uint8_t *arguments);
typedef int64_t (*module_loader)(const char *text);
typedef int64_t (*kernel_finder)(int64_t module, const char *name);

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static __thread void *current;
static kernel_runner run_kernel;
static module_loader load_module;
static kernel_finder find_kernel;
static int failed; /* the error that stays, as after an illegal access */
static int eager;  /* streams do at once what they are asked for */
static int apart;  /* streams and the default one are in no order, as those that frameworks make with CU_STREAM_NON_BLOCKING */

/* ------------------------------------------------------------------------------------------------------------------ memory */

struct block { address at; size_t size; uint8_t *whole; };
static struct block *blocks;
static size_t n_blocks, room, used, total = (size_t)1 << 31;

static struct block *block_of(address at, size_t size) {
    for (size_t k = 0; k < n_blocks; k++)
        if (at >= blocks[k].at && at + size <= blocks[k].at + blocks[k].size)
            return &blocks[k];
    return NULL;
}

/* What `machine.py` asks before it touches memory: 0 where it belongs to no allocation. */
int stand_in_owns(address at, size_t size) {
    pthread_mutex_lock(&lock);
    int owned = block_of(at, size) != NULL;
    pthread_mutex_unlock(&lock);
    return owned;
}

/* Loads or stores `n` values of `width` bytes; returns how many were done before one that is misaligned or belongs to no allocation. */
size_t stand_in_move(const address *at, uint8_t *values, size_t n, size_t width, int store) {
    struct block *found = NULL;
    for (size_t k = 0; k < n; k++) {
        if (at[k] % width)
            return k;
        if (!found || at[k] < found->at || at[k] + width > found->at + found->size)
            if (!(found = block_of(at[k], width)))
                return k;
        if (store)
            memcpy((void *)at[k], values + k * width, width);
        else
            memcpy(values + k * width, (void *)at[k], width);
    }
    return n;
}

void stand_in_fma32(const float *a, const float *b, const float *c, float *out, size_t n) {
    for (size_t k = 0; k < n; k++)
        out[k] = fmaf(a[k], b[k], c[k]);
}

void stand_in_fma64(const double *a, const double *b, const double *c, double *out, size_t n) {
    for (size_t k = 0; k < n; k++)
        out[k] = fma(a[k], b[k], c[k]);
}

static void add_block(address at, size_t size, uint8_t *whole) {
    if (n_blocks == room && !(blocks = realloc(blocks, (room = 2 * room + 64) * sizeof *blocks)))
        abort();
    blocks[n_blocks++] = (struct block){at, size, whole};
}

static result allocate(address *at, size_t size) {
    if (!size)
        return INVALID_VALUE;
    if (used + size > total)
        return OUT_OF_MEMORY;
    uint8_t *whole = aligned_alloc(256, (size + 2 * GUARD + 255) / 256 * 256);
    if (!whole)
        return OUT_OF_MEMORY;
    memset(whole, POISON, (size + 2 * GUARD + 255) / 256 * 256);
    add_block((address)(whole + GUARD), size, whole);
    used += size;
    *at = (address)(whole + GUARD);
    return SUCCESS;
}

static void check_guards(const struct block *block) {
    for (int k = 0; k < GUARD; k++)
        if (block->whole[k] != POISON || block->whole[GUARD + block->size + k] != POISON) {
            fprintf(stderr, "a guard word beside %zu bytes of the device's memory was changed\n", block->size);
            failed = ILLEGAL_ADDRESS;
            return;
        }
}

/* ----------------------------------------------------------------------------------------------------------------- streams */

enum kind { COPY, FILL, LAUNCH, MARK };
struct work {
    enum kind kind;
    address stream;
    uint64_t order;
    address to, from;
    size_t size;
    uint8_t *owned; /* what a copy from the host or a launch reads: taken when it was asked for */
    int value;
    int64_t kernel;
    unsigned shape[7];
    struct work *next;
};
static struct work *first, **last = &first;
static uint64_t asked;

static address named(void *stream) { return stream == (void *)1 ? 0 : (address)stream; } /* CU_STREAM_LEGACY is the default one */

static void do_work(struct work *work) {
    if (!failed) {
        if (work->kind == COPY)
            memcpy((void *)work->to, work->owned ? (void *)work->owned : (void *)work->from, work->size);
        else if (work->kind == FILL)
            memset((void *)work->to, work->value, work->size);
        else if (work->kind == LAUNCH && run_kernel(work->kernel, work->shape, work->owned))
            failed = ILLEGAL_ADDRESS;
    }
    free(work->owned);
    free(work);
}

static struct work *take(address stream, uint64_t before) {
    for (struct work **each = &first; *each; each = &(*each)->next)
        if ((*each)->stream == stream && (*each)->order < before) {
            struct work *work = *each;
            *each = work->next;
            if (!*each && last == &work->next)
                last = each;
            return work;
        }
    return NULL;
}

static void finish(address stream, uint64_t order);

/* The default stream and the others wait for each other's earlier work. */
static void finish_others(address stream, uint64_t order) {
    if (stream) {
        finish(0, order);
        return;
    }
    for (struct work *each = first; each;) {
        int earlier = each->stream && each->order < order;
        if (earlier)
            finish(each->stream, order);
        each = earlier ? first : each->next;
    }
}

/* Does what a stream was asked for before `order`. */
static void finish(address stream, uint64_t order) {
    struct work *work;
    while ((work = take(stream, order))) {
        if (!apart)
            finish_others(stream, work->order);
        do_work(work);
    }
}

static void finish_all(void) {
    while (first)
        finish(first->stream, UINT64_MAX);
}

static struct work *ask(enum kind kind, void *stream) {
    struct work *work = calloc(1, sizeof *work);
    work->kind = kind, work->stream = named(stream), work->order = ++asked;
    *last = work, last = &work->next;
    return work;
}

/* Ends an asynchronous request. */
static void asked_for(void) {
    if (eager)
        finish_all();
}

#define ENTER                           \
    if (!current)                       \
        return INVALID_CONTEXT;         \
    if (failed)                         \
        return failed;                  \
    pthread_mutex_lock(&lock)
#define LEAVE(value)                    \
    do {                                \
        result found_ = (value);        \
        pthread_mutex_unlock(&lock);    \
        return failed ? failed : found_; \
    } while (0)

static result ask_copy(address to, const void *host, address from, size_t size, void *stream) {
    ENTER;
    if (size && ((host && !block_of(to, size)) || (!host && !block_of(from, size))))
        LEAVE(INVALID_VALUE);
    struct work *work = ask(COPY, stream);
    work->to = to, work->from = from, work->size = size;
    if (host)
        work->owned = memcpy(malloc(size + 1), host, size);
    asked_for();
    LEAVE(SUCCESS);
}

static result now(void) { /* copies that wait are on the default stream */
    ENTER;
    finish(0, UINT64_MAX);
    struct work *mark = ask(MARK, NULL);
    (void)mark;
    finish(0, UINT64_MAX);
    LEAVE(SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------- the driver's functions */

result cuInit(unsigned flags) { return SUCCESS; }
result cuDriverGetVersion(int *version) { return *version = 13000, SUCCESS; }
result cuDeviceGet(int *device, int ordinal) { return *device = ordinal, ordinal ? INVALID_VALUE : SUCCESS; }
result cuDeviceGetCount(int *count) { return *count = 1, SUCCESS; }
result cuDeviceGetName(char *name, int n, int device) { return snprintf(name, n, "PTX in Python"), SUCCESS; }
result cuDeviceGetUuid_v2(char *uuid, int device) { return memset(uuid, 7, 16), SUCCESS; }
result cuDeviceTotalMem_v2(size_t *size, int device) { return *size = total, SUCCESS; }

static int capability(int minor) {
    const char *given = getenv("FASTGD_PTX_CAPABILITY"), *dot = given ? strchr(given, '.') : NULL;
    return dot ? atoi(minor ? dot + 1 : given) : minor ? 0 : 9;
}

result cuDeviceGetAttribute(int *value, int attribute, int device) {
    switch (attribute) {
    case 1: *value = 1024; break;            /* threads of a block */
    case 2: case 3: *value = 1024; break;
    case 4: *value = 64; break;
    case 5: *value = 0x7FFFFFFF; break;      /* blocks */
    case 6: case 7: *value = 65535; break;
    case 8: *value = 49152; break;           /* shared memory of a block */
    case 10: *value = 32; break;             /* threads of a warp */
    case 12: case 82: *value = 65536; break; /* registers */
    case 16: *value = PROCESSORS; break;
    case 39: *value = 2048; break;
    case 75: *value = capability(0); break;
    case 76: *value = capability(1); break;
    default: *value = 0;
    }
    return SUCCESS;
}

result cuDevicePrimaryCtxRetain(void **context, int device) { return *context = CONTEXT, SUCCESS; }
result cuDevicePrimaryCtxRelease_v2(int device) { return SUCCESS; }
result cuDevicePrimaryCtxReset_v2(int device) { return SUCCESS; }
result cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) { return *flags = 0, *active = 1, SUCCESS; }
result cuCtxGetCurrent(void **context) { return *context = current, SUCCESS; }
result cuCtxSetCurrent(void *context) { return current = context, SUCCESS; }
result cuCtxPushCurrent_v2(void *context) { return current = context, SUCCESS; }
result cuCtxPopCurrent_v2(void **context) { return *context = current, current = NULL, SUCCESS; }
result cuCtxGetDevice(int *device) { return *device = 0, current ? SUCCESS : INVALID_CONTEXT; }
result cuCtxGetDevice_v2(int *device, void *context) { return *device = 0, current ? SUCCESS : INVALID_CONTEXT; }
result cuCtxGetId(void *context, unsigned long long *id) { return *id = 1, SUCCESS; }
result cuCtxGetStreamPriorityRange(int *least, int *greatest) { return *least = *greatest = 0, SUCCESS; }
result cuCtxSynchronize(void) { ENTER; finish_all(); LEAVE(SUCCESS); }

result cuMemAlloc_v2(address *at, size_t size) { ENTER; LEAVE(allocate(at, size)); }
result cuMemGetInfo_v2(size_t *left, size_t *whole) { return *left = total - used, *whole = total, SUCCESS; }

result cuMemFree_v2(address at) {
    ENTER;
    if (!at)
        LEAVE(SUCCESS);
    finish_all();
    for (size_t k = 0; k < n_blocks; k++)
        if (blocks[k].at == at && blocks[k].whole) {
            check_guards(&blocks[k]);
            used -= blocks[k].size;
            memset(blocks[k].whole, POISON, blocks[k].size + 2 * GUARD);
            free(blocks[k].whole);
            blocks[k] = blocks[--n_blocks];
            LEAVE(SUCCESS);
        }
    LEAVE(INVALID_VALUE);
}

result cuMemGetAddressRange_v2(address *base, size_t *size, address at) {
    ENTER;
    struct block *block = block_of(at, 1);
    if (block)
        *base = block->at, *size = block->size;
    LEAVE(block ? SUCCESS : INVALID_VALUE);
}

result cuMemcpyHtoDAsync_v2(address to, const void *from, size_t size, void *stream) { return ask_copy(to, from, 0, size, stream); }
result cuMemcpyDtoHAsync_v2(void *to, address from, size_t size, void *stream) { return ask_copy((address)to, NULL, from, size, stream); }
result cuMemcpyDtoDAsync_v2(address to, address from, size_t size, void *stream) { return ask_copy(to, NULL, from, size, stream); }

result cuMemcpyHtoD_v2(address to, const void *from, size_t size) {
    result found = ask_copy(to, from, 0, size, NULL);
    return found ? found : now();
}

result cuMemcpyDtoH_v2(void *to, address from, size_t size) {
    result found = ask_copy((address)to, NULL, from, size, NULL);
    return found ? found : now();
}

result cuMemcpyDtoD_v2(address to, address from, size_t size) { return ask_copy(to, NULL, from, size, NULL); }

result cuMemsetD8Async(address to, unsigned char value, size_t size, void *stream) {
    ENTER;
    if (!block_of(to, size))
        LEAVE(INVALID_VALUE);
    struct work *work = ask(FILL, stream);
    work->to = to, work->value = value, work->size = size;
    asked_for();
    LEAVE(SUCCESS);
}

result cuMemsetD8_v2(address to, unsigned char value, size_t size) { return cuMemsetD8Async(to, value, size, NULL); }

result cuPointerGetAttribute(void *value, int attribute, address at) {
    ENTER;
    struct block *block = block_of(at, 1);
    if (!block)
        LEAVE(INVALID_VALUE);
    switch (attribute) {
    case 1: *(void **)value = CONTEXT; break;
    case 2: *(unsigned *)value = 2; break; /* of a device */
    case 3: *(address *)value = at; break;
    case 9: *(int *)value = 0; break;      /* which device */
    default: LEAVE(INVALID_VALUE);
    }
    LEAVE(SUCCESS);
}

static address streams = 0x57000000;
result cuStreamCreate(void **stream, unsigned flags) { return *stream = (void *)(streams += 64), SUCCESS; }
result cuStreamCreateWithPriority(void **stream, unsigned flags, int priority) { return cuStreamCreate(stream, flags); }
result cuStreamDestroy_v2(void *stream) { ENTER; finish(named(stream), UINT64_MAX); LEAVE(SUCCESS); }
result cuStreamGetFlags(void *stream, unsigned *flags) { return *flags = 0, SUCCESS; }
result cuStreamGetCtx(void *stream, void **context) { return *context = CONTEXT, SUCCESS; }

result cuStreamSynchronize(void *stream) {
    ENTER;
    address name = named(stream);
    uint64_t order = ask(MARK, stream)->order;
    finish(name, order + 1);
    LEAVE(SUCCESS);
}

result cuEventCreate(void **event, unsigned flags) { return *event = calloc(1, 16), SUCCESS; }
result cuEventDestroy_v2(void *event) { return free(event), SUCCESS; }
result cuEventRecord(void *event, void *stream) { ENTER; finish(named(stream), UINT64_MAX); LEAVE(SUCCESS); }
result cuEventSynchronize(void *event) { return SUCCESS; }
result cuEventQuery(void *event) { return SUCCESS; }
result cuEventElapsedTime_v2(float *ms, void *a, void *b) { return *ms = 1, SUCCESS; }
result cuStreamWaitEvent(void *stream, void *event, unsigned flags) { return SUCCESS; }

result cuLibraryLoadData(void **library, const void *code, void *a, void *b, unsigned na, void *c, void *d, unsigned nc) {
    ENTER;
    int64_t module = load_module(code);
    *library = (void *)module;
    LEAVE(module ? SUCCESS : INVALID_VALUE);
}
result cuLibraryUnload(void *library) { return SUCCESS; }

result cuLibraryGetKernel(void **kernel, void *library, const char *name) {
    ENTER;
    int64_t found = find_kernel((int64_t)library, name);
    *kernel = (void *)found;
    LEAVE(found ? SUCCESS : NOT_FOUND);
}
result cuKernelGetFunction(void **function, void *kernel) { return *function = kernel, SUCCESS; }
result cuKernelGetLibrary(void **library, void *kernel) { return *library = (void *)(((int64_t)kernel >> 8) << 8), SUCCESS; }

static result attribute_of(int *value, int attribute) {
    *value = attribute == 4 ? 128 /* registers: two blocks on a processor */ : attribute == 0 ? 256 : 0;
    return SUCCESS;
}
result cuKernelGetAttribute(int *value, int attribute, void *kernel, int device) { return attribute_of(value, attribute); }
result cuFuncGetAttribute(int *value, int attribute, void *function) { return attribute_of(value, attribute); }
result cuKernelSetAttribute(int attribute, int value, void *kernel, int device) { return SUCCESS; }

result cuLaunchKernel(int64_t kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                      void *stream, void **arguments, void **extra) {
    if (!gx || !bx || bx > 1024 || extra)
        return INVALID_VALUE;
    ENTER;
    struct work *work = ask(LAUNCH, stream);
    unsigned n = kernel & 0xFF; /* of arguments, each of 8 bytes */
    work->kernel = kernel, work->owned = malloc(8 * n + 8);
    memcpy(work->shape, (unsigned[]){gx, gy, gz, bx, by, bz, shared}, sizeof work->shape);
    for (unsigned k = 0; k < n; k++)
        memcpy(work->owned + 8 * k, arguments[k], 8);
    asked_for();
    LEAVE(SUCCESS);
}

struct launch_config { unsigned grid[3], block[3], shared; void *stream; void *attributes; unsigned n; };
result cuLaunchKernelEx(const struct launch_config *c, int64_t kernel, void **arguments, void **extra) {
    return cuLaunchKernel(kernel, c->grid[0], c->grid[1], c->grid[2], c->block[0], c->block[1], c->block[2], c->shared, c->stream, arguments, extra);
}

result cuGetErrorName(int error, const char **name) {
    *name = error == ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS" : error == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR";
    return SUCCESS;
}
result cuGetErrorString(int error, const char **text) { return cuGetErrorName(error, text); }

/* ----------------------------------------------------------------------------------------------------------------------- set-up */

void stand_in_runs(kernel_runner runner, module_loader loader, kernel_finder finder) {
    run_kernel = runner, load_module = loader, find_kernel = finder;
}

/* Counts host memory among the device's, without words around it; size 0 takes it back. */
void stand_in_lend(address at, size_t size) {
    pthread_mutex_lock(&lock);
    for (size_t k = 0; k < n_blocks; k++)
        if (!blocks[k].whole && blocks[k].at == at)
            blocks[k--] = blocks[--n_blocks];
    if (size)
        add_block(at, size, NULL);
    pthread_mutex_unlock(&lock);
}

/* Leaves so many bytes of the device's memory free. */
void stand_in_leaves(size_t left) { total = used + left; }

void stand_in_orders(int at_once, int in_no_order) { eager = at_once, apart = in_no_order; }

/* Forgets an error, which a real device would not, and what still waits. */
int stand_in_recovers(void) {
    int before = failed;
    while (first) {
        struct work *work = first;
        first = work->next;
        free(work->owned);
        free(work);
    }
    last = &first;
    return failed = 0, before;
}

/* How many pieces of work wait on the streams. */
int stand_in_waiting(void) {
    int n = 0;
    for (struct work *each = first; each; each = each->next)
        n++;
    return n;
}

#include <dlfcn.h>
result cuGetProcAddress_v2(const char *symbol, void **found, int version, uint64_t flags, int *status) {
    static const char *endings[] = {"_v2", "", NULL};
    char name[128];
    for (int k = 0; endings[k]; k++) {
        snprintf(name, sizeof name, "%s%s", symbol, endings[k]);
        if ((*found = dlsym(RTLD_DEFAULT, name)) || (*found = dlsym(dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD), name)))
            return status ? *status = 0, SUCCESS : SUCCESS;
    }
    return status ? *status = 1, NOT_FOUND : NOT_FOUND;
}
