/* A small thread pool, one for the whole process: it survives fork, and never waits for a thread that has not started.

   pool_run(task, context, n, threads, linger) calls task(context, k) once for each k < n. The calling thread takes part. Each thread begins
   with a share of its own, the same in job after job, whose memory is then in its processor's cache, and goes on with what others have not
   yet begun: a helper that the scheduler keeps away costs nothing, and at the end the caller waits only for tasks that a helper is in the
   middle of. One job runs at a time: a caller that finds the pool busy does all the work itself, and so does one that no thread can be
   started for. A forked child begins with an empty pool.

   Waiting is asleep. Waking takes longer than a step of a small network, so where the next job follows at once (`linger`) helpers look for
   it some 50 microseconds before they sleep, and the caller for the end of their tasks. All but the first two of them they offer the
   processor to whoever else can use it, between one look and the next: on a busy machine that ends the looking. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>

#define POOL_LARGEST 256
#define POOL_LOOKS 256 /* a few microseconds, then */
#define POOL_OFFERS 128 /* of the processor, a few tenths of a microsecond each */

#if defined(__x86_64__) || defined(__i386__)
#define POOL_PAUSE() __builtin_ia32_pause()
#else
#define POOL_PAUSE() ((void) 0)
#endif

typedef void (*pool_task)(void *context, ptrdiff_t k);

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    int helpers;                /* threads started so far */
    int busy;                   /* a job is running */
    int linger;                 /* another will follow at once */
    int wanted, joined;         /* helpers that may still take part in this job; helpers in it now */
    unsigned long job;          /* number of the current job */
    pool_task task;
    void *context;
    ptrdiff_t n;
    int threads;                /* that may take part in this job: so many shares */
} pool = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, 0};

/* The next task of each share, in cache lines of their own. */
static struct {
    ptrdiff_t next;
    char padding[64 - sizeof(ptrdiff_t)];
} pool_shares[POOL_LARGEST + 1];

/* Larger shares first: the caller begins before its helpers. */
static ptrdiff_t pool_begin(ptrdiff_t n, int share, int threads) {
    return n / threads * share + (n % threads * share + threads - 1) / threads;
}

static void pool_draw(pool_task task, void *context, ptrdiff_t n, int first, int threads) {
    ptrdiff_t k, end;
    int j, share;
    for (j = 0; j < threads; j++) {
        share = (first + j) % threads;
        end = pool_begin(n, share + 1, threads);
        while ((k = __atomic_fetch_add(&pool_shares[share].next, 1, __ATOMIC_RELAXED)) < end) task(context, k);
    }
}

/* What the lock protects takes less time than falling asleep. */
static void pool_lock(void) {
    int k;
    for (k = 0; k < POOL_LOOKS; k++) {
        if (pthread_mutex_trylock(&pool.lock) == 0) return;
        POOL_PAUSE();
    }
    pthread_mutex_lock(&pool.lock);
}

/* Pass the time until the next look at what another thread will change; say whether there is patience for it. */
static int pool_patient(int look) {
    if (look < POOL_LOOKS) POOL_PAUSE();
    else sched_yield();
    return look < POOL_LOOKS + POOL_OFFERS;
}

static void *pool_helper(void *number) {
    unsigned long last = 0;
    int look = POOL_LOOKS + POOL_OFFERS;
    pool_lock();
    for (;;) {
        while (pool.job == last || pool.wanted == 0) {
            last = pool.job;                            /* one that wants no more helpers is over */
            if (look >= POOL_LOOKS + POOL_OFFERS) {
                pthread_cond_wait(&pool.wake, &pool.lock);
                continue;
            }
            pthread_mutex_unlock(&pool.lock);
            while (__atomic_load_n(&pool.job, __ATOMIC_RELAXED) == last && pool_patient(look)) look++;
            pool_lock();
        }
        last = pool.job;
        pool.wanted--;
        pool.joined++;
        pthread_mutex_unlock(&pool.lock);
        pool_draw(pool.task, pool.context, pool.n, 1 + (int) (size_t) number % (pool.threads - 1), pool.threads);
        pool_lock();
        look = pool.linger ? 0 : POOL_LOOKS + POOL_OFFERS;
        __atomic_store_n(&pool.joined, pool.joined - 1, __ATOMIC_RELAXED);
        if (pool.joined == 0) pthread_cond_signal(&pool.done);
    }
    return NULL;
}

/* In a forked child the helpers do not exist and the lock may be held by one of them: start afresh. */
static void pool_forked(void) {
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
    pthread_cond_init(&pool.done, NULL);
    pool.helpers = pool.busy = pool.wanted = pool.joined = 0;
}

/* To be called once, before the first fork that matters: when the module is imported. */
static void pool_init(void) {
    pthread_atfork(NULL, NULL, pool_forked);
}

/* Signals are for the interpreter's own threads: helpers block them all. */
static void pool_grow(int helpers) {
    pthread_t thread;
    pthread_attr_t detached;
    sigset_t all, before;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.helpers < helpers && pool.helpers < POOL_LARGEST) {
        if (pthread_create(&thread, &detached, pool_helper, (void *) (size_t) pool.helpers) != 0) break;
        pool.helpers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
}

/* Wait, with the lock, for the tasks that helpers are in the middle of. */
static void pool_finish(int linger) {
    int look;
    pool.wanted = 0;                                    /* whoever has not woken by now need not come */
    if (linger && pool.joined > 0) {
        pthread_mutex_unlock(&pool.lock);
        for (look = 0; __atomic_load_n(&pool.joined, __ATOMIC_RELAXED) > 0 && pool_patient(look); look++) {}
        pool_lock();
    }
    while (pool.joined > 0) pthread_cond_wait(&pool.done, &pool.lock);
    pool.busy = 0;
}

static void pool_run(pool_task task, void *context, ptrdiff_t n, int threads, int linger) {
    ptrdiff_t k;
    int mine = 0;
    if (threads > n) threads = (int) n;
    if (threads > POOL_LARGEST) threads = POOL_LARGEST;
    if (threads > 1) {
        pool_lock();
        if (!pool.busy) {
            pool_grow(threads - 1);
            mine = pool.busy = pool.helpers > 0;
        }
        if (mine) {
            pool.task = task;
            pool.context = context;
            pool.n = n;
            pool.linger = linger;
            pool.threads = threads;
            for (k = 0; k < threads; k++) pool_shares[k].next = pool_begin(n, (int) k, threads);
            pool.wanted = threads - 1 < pool.helpers ? threads - 1 : pool.helpers;
            __atomic_store_n(&pool.job, pool.job + 1, __ATOMIC_RELAXED);
            pthread_cond_broadcast(&pool.wake);
        }
        pthread_mutex_unlock(&pool.lock);
    }
    if (!mine) {
        for (k = 0; k < n; k++) task(context, k);
        return;
    }
    pool_draw(task, context, n, 0, threads);
    pool_lock();
    pool_finish(linger);
    pthread_mutex_unlock(&pool.lock);
}
