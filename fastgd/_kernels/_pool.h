/* A small thread pool for memory-bound sweeps: it never spins, survives fork, and never waits for a thread that has not started.

   pool_run(task, context, n, threads) calls task(context, k) once for each k < n. The calling thread takes part: it and the helpers draw
   the next k from one counter, so a helper that the scheduler keeps away costs nothing; at the end the caller waits (asleep) only for
   tasks that a helper is in the middle of. One job runs at a time: a caller that finds the pool busy does all the work itself, and so
   does one that no thread can be started for. A forked child begins with an empty pool. */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#define POOL_LARGEST 256

typedef void (*pool_task)(void *context, ptrdiff_t k);

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    int helpers;                /* threads started so far */
    int busy;                   /* a job is running */
    int wanted, joined;         /* helpers that may still take part in this job; helpers in it now */
    unsigned long job;          /* number of the current job */
    pool_task task;
    void *context;
    ptrdiff_t n, next;
} pool = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0, 0, 0, NULL, NULL, 0, 0};

static void pool_draw(pool_task task, void *context, ptrdiff_t n) {
    ptrdiff_t k;
    while ((k = __atomic_fetch_add(&pool.next, 1, __ATOMIC_RELAXED)) < n) task(context, k);
}

static void *pool_helper(void *unused) {
    unsigned long last = 0;
    (void) unused;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        while (pool.job == last || pool.wanted == 0) pthread_cond_wait(&pool.wake, &pool.lock);
        last = pool.job;
        pool.wanted--;
        pool.joined++;
        pthread_mutex_unlock(&pool.lock);
        pool_draw(pool.task, pool.context, pool.n);
        pthread_mutex_lock(&pool.lock);
        if (--pool.joined == 0) pthread_cond_signal(&pool.done);
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
        if (pthread_create(&thread, &detached, pool_helper, NULL) != 0) break;
        pool.helpers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
}

static void pool_run(pool_task task, void *context, ptrdiff_t n, int threads) {
    ptrdiff_t k;
    int mine = 0;
    if (threads > n) threads = (int) n;
    if (threads > 1) {
        pthread_mutex_lock(&pool.lock);
        if (!pool.busy) {
            pool_grow(threads - 1);
            mine = pool.busy = pool.helpers > 0;
        }
        if (mine) {
            pool.task = task;
            pool.context = context;
            pool.n = n;
            __atomic_store_n(&pool.next, 0, __ATOMIC_RELAXED);
            pool.wanted = threads - 1 < pool.helpers ? threads - 1 : pool.helpers;
            pool.job++;
            pthread_cond_broadcast(&pool.wake);
        }
        pthread_mutex_unlock(&pool.lock);
    }
    if (!mine) {
        for (k = 0; k < n; k++) task(context, k);
        return;
    }
    pool_draw(task, context, n);
    pthread_mutex_lock(&pool.lock);
    pool.wanted = 0;                                    /* whoever has not woken by now need not come */
    while (pool.joined > 0) pthread_cond_wait(&pool.done, &pool.lock);
    pool.busy = 0;
    pthread_mutex_unlock(&pool.lock);
}
