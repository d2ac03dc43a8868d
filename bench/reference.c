/* The yardstick of bench/models.py: what plain C needs for one cascade on one core.

   A queue of agents in the order in which they were reached, one byte of state an agent, one
   sequential generator (xoroshiro128+, Blackman & Vigna). It records neither who convinced whom
   nor when, and its result depends on the order of the arrays: it is a bar for speed, no model.

   Rows are compressed: those who hear agent u are heard[row[u] .. row[u + 1]). All functions return
   how many agents were reached. */
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    int64_t agents;
    const int64_t *row;
    const int32_t *heard;
    int32_t *queue;      /* agents */
    uint8_t *state;      /* agents */
    uint16_t *said;      /* agents: how many sources an agent heard */
    float *need;         /* agents: how many it needs */
} World;

static uint64_t left_word = 0x9E3779B97F4A7C15ull, right_word = 0xD1B54A32D192ED03ull;

void reseed(uint64_t seed) {
    left_word = seed * 0x9E3779B97F4A7C15ull + 1;
    right_word = (seed ^ 0xD1B54A32D192ED03ull) * 0x8CB92BA72F3D8DD7ull + 1;
}

static inline uint64_t rotated(uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }

static inline uint64_t draw(void) {
    const uint64_t a = left_word, b = right_word ^ left_word, sum = left_word + right_word;
    left_word = rotated(a, 24) ^ b ^ (b << 16);
    right_word = rotated(b, 37);
    return sum;
}

static inline uint32_t coin(void) { return (uint32_t)(draw() >> 32); }
static inline double share(void) { return (double)(draw() >> 11) * 0x1p-53; }
static inline uint32_t gate(double chance) { return (uint32_t)(chance * 4294967296.0); }
static inline int64_t gap(double scale) { return (int64_t)(log(share() + 1e-300) * scale); }

/* Put the seeds, each once, at the head of the queue. */
static int64_t seeded(const World *w, const int32_t *seeds, int64_t count) {
    int64_t tail = 0;
    memset(w->state, 0, (size_t)w->agents);
    for (int64_t i = 0; i < count; i++)
        if (!w->state[seeds[i]]) {
            w->state[seeds[i]] = 1;
            w->queue[tail++] = seeds[i];
        }
    return tail;
}

static inline int64_t reach(const World *w, int32_t agent, int64_t tail) {
    if (!w->state[agent]) {
        w->state[agent] = 1;
        w->queue[tail++] = agent;
    }
    return tail;
}

/* Independent cascade: a coin for every tie of every agent that was reached. */
int64_t cascade_coins(const World *w, const int32_t *seeds, int64_t count, double chance) {
    const uint32_t under = gate(chance);
    int64_t tail = seeded(w, seeds, count);
    for (int64_t head = 0; head < tail; head++) {
        const int64_t stop = w->row[w->queue[head] + 1];
        for (int64_t e = w->row[w->queue[head]]; e < stop; e++)
            if (coin() < under) tail = reach(w, w->heard[e], tail);
    }
    return tail;
}

/* The same law by geometric gaps: only the ties that fire are touched. */
int64_t cascade_skips(const World *w, const int32_t *seeds, int64_t count, double chance) {
    const double scale = 1.0 / log1p(-chance);
    int64_t tail = seeded(w, seeds, count), ahead = gap(scale);
    for (int64_t head = 0; head < tail; head++) {
        const int64_t stop = w->row[w->queue[head] + 1];
        int64_t e = w->row[w->queue[head]] + ahead;
        for (; e < stop; e += 1 + gap(scale)) tail = reach(w, w->heard[e], tail);
        ahead = e - stop;
    }
    return tail;
}

/* Weighted cascade: the chance is 1 / how many the listener hears; of a symmetric network. */
int64_t cascade_weighted(const World *w, const int32_t *seeds, int64_t count) {
    int64_t tail = seeded(w, seeds, count);
    for (int64_t head = 0; head < tail; head++) {
        const int64_t stop = w->row[w->queue[head] + 1];
        for (int64_t e = w->row[w->queue[head]]; e < stop; e++) {
            const int32_t v = w->heard[e];
            if (!w->state[v] && share() * (double)(w->row[v + 1] - w->row[v]) < 1.0)
                tail = reach(w, v, tail);
        }
    }
    return tail;
}

/* Linear threshold: weights 1 / number of sources, thresholds uniform; of a symmetric network. */
int64_t threshold(const World *w, const int32_t *seeds, int64_t count) {
    int64_t tail = seeded(w, seeds, count);
    memset(w->said, 0, (size_t)w->agents * sizeof *w->said);
    for (int64_t v = 0; v < w->agents; v++)
        w->need[v] = (float)ceil(share() * (double)(w->row[v + 1] - w->row[v]));
    for (int64_t head = 0; head < tail; head++) {
        const int64_t stop = w->row[w->queue[head] + 1];
        for (int64_t e = w->row[w->queue[head]]; e < stop; e++) {
            const int32_t v = w->heard[e];
            if (++w->said[v] >= w->need[v]) tail = reach(w, v, tail);
        }
    }
    return tail;
}

/* Let the first `before` of the queue recover; what they infected moves up. */
static int64_t recovered(const World *w, int64_t before, int64_t tail, uint32_t under) {
    int64_t kept = 0;
    for (int64_t i = 0; i < before; i++) {
        if (coin() < under)
            w->state[w->queue[i]] = 2;
        else
            w->queue[kept++] = w->queue[i];
    }
    memmove(w->queue + kept, w->queue + before, (size_t)(tail - before) * sizeof *w->queue);
    return kept + tail - before;
}

/* Susceptible-infected-recovered in discrete steps: each infected agent tries each tie. */
int64_t sir_coins(const World *w, const int32_t *seeds, int64_t count, double beta, double gamma) {
    const uint32_t falls = gate(beta), recovers = gate(gamma);
    int64_t tail = seeded(w, seeds, count), reached = tail;
    while (tail) {
        const int64_t before = tail;
        for (int64_t i = 0; i < before; i++) {
            const int64_t stop = w->row[w->queue[i] + 1];
            for (int64_t e = w->row[w->queue[i]]; e < stop; e++)
                if (coin() < falls) tail = reach(w, w->heard[e], tail);
        }
        reached += tail - before;
        tail = recovered(w, before, tail, recovers);
    }
    return reached;
}

/* The same by geometric gaps. */
int64_t sir_skips(const World *w, const int32_t *seeds, int64_t count, double beta, double gamma) {
    const double scale = 1.0 / log1p(-beta);
    const uint32_t recovers = gate(gamma);
    int64_t tail = seeded(w, seeds, count), reached = tail, ahead = gap(scale);
    while (tail) {
        const int64_t before = tail;
        for (int64_t i = 0; i < before; i++) {
            const int64_t stop = w->row[w->queue[i] + 1];
            int64_t e = w->row[w->queue[i]] + ahead;
            for (; e < stop; e += 1 + gap(scale)) tail = reach(w, w->heard[e], tail);
            ahead = e - stop;
        }
        reached += tail - before;
        tail = recovered(w, before, tail, recovers);
    }
    return reached;
}
