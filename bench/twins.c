/* Laws whose visits cost more than a coin, in plain C, for bench/visits.py.

   Each does what its law demands of anybody: a sum and a threshold, a random listener looked up,
   rows compared, an event put in order of time. As reference.c they record neither who convinced
   whom nor when, and where the law allows any order agents act one after another within a tick
   (calls: so 1 to 2 % fewer are reached; thresholds run on until nothing is left). */
#include <stdlib.h>

#include "reference.c"

/* Two messages over thresholds of their common weight; an agent that crosses takes the message of
   a voice that it drew, in proportion to weight, among all it heard. The first half of the seeds
   has the first message; of a symmetric network. */
int64_t rival_thresholds(const World *w, const int32_t *seeds, int64_t count) {
    int32_t *voice = malloc((size_t)w->agents * sizeof *voice);
    int64_t tail = seeded(w, seeds, count), done = 0;
    for (int64_t i = count / 2; i < count; i++) w->state[seeds[i]] = 2;
    memset(w->said, 0, (size_t)w->agents * sizeof *w->said);
    for (int64_t v = 0; v < w->agents; v++)
        w->need[v] = (float)ceil(share() * (double)(w->row[v + 1] - w->row[v]));
    while (done < tail) {
        const int64_t before = tail;
        for (; done < before; done++) {
            const int32_t u = w->queue[done];
            for (int64_t e = w->row[u]; e < w->row[u + 1]; e++) {
                const int32_t v = w->heard[e];
                if (w->state[v] == 1 || w->state[v] == 2) continue;
                if (share() * ++w->said[v] < 1.0) voice[v] = u;
                if (w->said[v] >= w->need[v] && !w->state[v]) {
                    w->state[v] = 3; /* crossed: takes one when the tick is over */
                    w->queue[tail++] = v;
                }
            }
        }
        for (int64_t i = before; i < tail; i++)
            w->state[w->queue[i]] = 4 + w->state[voice[w->queue[i]]];
        for (int64_t i = before; i < tail; i++) w->state[w->queue[i]] -= 4;
    }
    free(voice);
    return tail;
}

/* The same with a threshold for each message; who crosses two at once takes a random one. */
int64_t separate_thresholds(const World *w, const int32_t *seeds, int64_t count) {
    uint16_t *said = calloc((size_t)w->agents * 2, sizeof *said);
    float *need = malloc((size_t)w->agents * 2 * sizeof *need);
    int64_t tail = seeded(w, seeds, count), done = 0;
    for (int64_t i = count / 2; i < count; i++) w->state[seeds[i]] = 2;
    for (int64_t i = 0; i < 2 * w->agents; i++)
        need[i] = (float)ceil(share() * (double)(w->row[i / 2 + 1] - w->row[i / 2]));
    while (done < tail) {
        const int64_t before = tail;
        for (; done < before; done++) {
            const int32_t u = w->queue[done];
            const int message = w->state[u] - 1;
            for (int64_t e = w->row[u]; e < w->row[u + 1]; e++) {
                const int32_t v = w->heard[e];
                if (w->state[v] == 1 || w->state[v] == 2) continue;
                const int64_t at = 2 * (int64_t)v + message;
                if (++said[at] < need[at] || w->state[v] & (4 << message)) continue;
                if (!w->state[v]) w->queue[tail++] = v;
                w->state[v] |= (uint8_t)(4 << message); /* crossed: takes one when the tick is over */
            }
        }
        for (int64_t i = before; i < tail; i++) {
            const int crossed = w->state[w->queue[i]] >> 2;
            w->state[w->queue[i]] = (uint8_t)(crossed == 3 ? 1 + (int)(coin() >> 31) : crossed);
        }
    }
    free(said);
    free(need);
    return tail;
}

/* Thresholds and tastes: who hears enough likes it with a chance, else may refuse for good; asked
   in every tick. */
int64_t tastes(const World *w, const int32_t *seeds, int64_t count, double level, double taste,
               double refusal, double steps) {
    const uint32_t likes = gate(taste), refuses = gate(refusal);
    int32_t *asked = malloc((size_t)w->agents * sizeof *asked);
    int64_t tail = seeded(w, seeds, count), done = 0, many = 0;
    memset(w->said, 0, (size_t)w->agents * sizeof *w->said);
    for (int64_t v = 0; v < w->agents; v++)
        w->need[v] = (float)fmax(ceil(level * (double)(w->row[v + 1] - w->row[v])), 1.0);
    for (int64_t step = 0; step < (int64_t)steps; step++) {
        for (const int64_t before = tail; done < before; done++)
            for (int64_t e = w->row[w->queue[done]]; e < w->row[w->queue[done] + 1]; e++) {
                const int32_t v = w->heard[e];
                if (++w->said[v] == w->need[v] && !w->state[v]) asked[many++] = v;
            }
        int64_t kept = 0;
        for (int64_t i = 0; i < many; i++) {
            const int32_t v = asked[i];
            if (coin() < likes) w->queue[tail++] = v, w->state[v] = 1;
            else if (coin() < refuses) w->state[v] = 2;
            else asked[kept++] = v;
        }
        many = kept;
    }
    free(asked);
    return tail;
}

/* Cascades along closeness: within a community the overlap of two rows of listeners, beyond it a
   share, or with a negative one the speaker's least overlap. */
static const int32_t *labels;
static uint64_t *marked;

void label(const int32_t *given) { labels = given; }

static double overlap(const World *w, int64_t length, int32_t v) {
    const int64_t other = w->row[v + 1] - w->row[v];
    int64_t both = 0;
    for (int64_t e = w->row[v]; e < w->row[v + 1]; e++)
        both += (int64_t)(marked[w->heard[e] >> 6] >> (w->heard[e] & 63)) & 1;
    return (double)both / (double)(length + other - both);
}

int64_t closeness(const World *w, const int32_t *seeds, int64_t count, double across) {
    int64_t tail = seeded(w, seeds, count);
    marked = calloc((size_t)w->agents / 64 + 1, sizeof *marked);
    for (int64_t head = 0; head < tail; head++) {
        const int32_t u = w->queue[head];
        const int64_t start = w->row[u], stop = w->row[u + 1], length = stop - start;
        int64_t mates = 0;
        double least = across;
        for (int64_t e = start; e < stop; e++)
            if (labels[w->heard[e]] == labels[u]) {
                marked[w->heard[e] >> 6] |= 1ull << (w->heard[e] & 63);
                mates++;
            }
        for (int64_t e = start; e < stop; e++) {
            const int32_t v = w->heard[e];
            const double x = share();
            if (w->state[v]) continue;
            if (labels[v] == labels[u]) {
                const int64_t other = w->row[v + 1] - w->row[v];
                const int64_t most = mates - 1 < other ? mates - 1 : other;
                if (x * (double)(length + other - most) < (double)most && x < overlap(w, length, v))
                    tail = reach(w, v, tail);
                continue;
            }
            if (least < 0.0) {
                least = 1.0;
                for (int64_t i = start; i < stop && least > 0.0; i++)
                    least = fmin(least, overlap(w, length, w->heard[i]));
            }
            if (x < least) tail = reach(w, v, tail);
        }
        for (int64_t e = start; e < stop; e++) marked[w->heard[e] >> 6] = 0;
    }
    free(marked);
    return tail;
}

/* Maki-Thompson in discrete steps: a spreader calls with a chance, one of its listeners; it stops
   after so many calls to somebody that knew. */
int64_t calls(const World *w, const int32_t *seeds, int64_t count, double chance, double most,
              double steps) {
    const uint32_t under = gate(chance);
    int64_t tail = seeded(w, seeds, count), reached = tail;
    memset(w->said, 0, (size_t)w->agents * sizeof *w->said);
    for (int64_t step = 0; tail && step < (int64_t)steps; step++) {
        const int64_t before = tail;
        int64_t kept = 0;
        for (int64_t i = 0; i < before; i++) {
            const int32_t u = w->queue[i];
            const int64_t length = w->row[u + 1] - w->row[u];
            int stifled = 0;
            if (length && coin() < under) {
                const int32_t v = w->heard[w->row[u] + (int64_t)(share() * (double)length)];
                stifled = w->state[v] && ++w->said[u] >= most;
                if (!w->state[v]) w->queue[tail++] = v, w->state[v] = 1;
            }
            w->queue[kept] = u;
            kept += !stifled;
        }
        reached += tail - before;
        memmove(w->queue + kept, w->queue + before, (size_t)(tail - before) * sizeof *w->queue);
        tail = kept + tail - before;
    }
    return reached;
}

/* Rates in continuous time, one event at a time: agents in state 1 try their ties, or call one of
   them, and any state may be left alone. Rings wait in a calendar: a list for each span, a heap for
   the one under way. One over a tie that can change nothing any more is passed over at once. */
typedef struct { double until[2]; int listener[2], speaker[2]; } Row; /* rates added up; -1: stays */
typedef struct {
    Row row[4];      /* by the listener's state */
    double bound[4]; /* the largest sum of a row of any state it may reach */
    double alone[4], most;
    int becomes[4], calls, tires; /* tires: state 3 speaks as well, and is passed on the way to 2 */
} Law;

typedef struct { double when; float part; int32_t agent, goal, next; uint16_t number; } Ring;
typedef struct { double when; int32_t at; } Due;
typedef struct {
    const World *w;
    const Law *law;
    Ring *ring;
    Due *due;
    int32_t *head, spare, used;
    int64_t spans, span, many;
    double width, end;
} Book;

static void put_due(Book *b, int32_t at) {
    const double when = b->ring[at].when;
    int64_t i = b->many++;
    for (; i > 0 && b->due[(i - 1) / 2].when > when; i = (i - 1) / 2)
        b->due[i] = b->due[(i - 1) / 2];
    b->due[i] = (Due){when, at};
}

static Ring next_due(Book *b) {
    const Ring first = b->ring[b->due[0].at];
    const int32_t free_now = b->due[0].at;
    const Due last = b->due[--b->many];
    int64_t i = 0, below = 1;
    for (; below < b->many; i = below, below = 2 * i + 1) {
        if (below + 1 < b->many && b->due[below + 1].when < b->due[below].when) below++;
        if (last.when <= b->due[below].when) break;
        b->due[i] = b->due[below];
    }
    b->due[i] = last;
    b->ring[free_now].next = b->spare;
    b->spare = free_now;
    return first;
}

static void await(Book *b, double now, int32_t agent) {
    const World *w = b->w;
    const Law *law = b->law;
    const int state = w->state[agent];
    const int64_t start = w->row[agent], length = w->row[agent + 1] - start;
    const int speaks = state == 1 || (law->tires && state == 3);
    const double ties =
        !speaks || !length ? 0.0 : law->most * (law->calls ? 1.0 : (double)length);
    const double alone = law->alone[state], rate = ties + alone;
    Ring one = {.agent = agent, .goal = -1, .number = w->said[agent]};
    if (rate <= 0.0) return;
    for (;;) {
        now -= log(1.0 - share()) / rate;
        if (now >= b->end) return;
        const double x = share() * rate;
        if (x < alone) break;
        const double place = (x - alone) / ties * (double)length;
        const int64_t e = (int64_t)place < length ? (int64_t)place : length - 1;
        one.goal = w->heard[start + e];
        one.part = (float)((place - (double)e) * law->most);
        if (one.part < law->bound[w->state[one.goal]]) break;
        one.goal = -1;
    }
    one.when = now;
    int32_t at = b->spare;
    if (at >= 0) b->spare = b->ring[at].next; else at = b->used++;
    const int64_t to = (int64_t)(now / b->width);
    one.next = to > b->span ? b->head[to] : -1;
    b->ring[at] = one;
    if (to > b->span) b->head[to] = at; else put_due(b, at);
}

static int turn(Book *b) {
    while (!b->many) {
        if (++b->span >= b->spans) return 0;
        for (int32_t at = b->head[b->span]; at >= 0; at = b->ring[at].next) put_due(b, at);
    }
    return 1;
}

static int64_t in_time(const World *w, const int32_t *seeds, int64_t count, const Law *law,
                       double ticks) {
    int64_t reached = seeded(w, seeds, count);
    Book b = {.w = w, .law = law, .spare = -1, .span = -1, .width = 1.0 / 65536, .end = ticks};
    b.spans = (int64_t)(ticks / b.width) + 1;
    b.ring = malloc((size_t)w->agents * 2 * sizeof *b.ring);
    b.due = malloc((size_t)w->agents * 2 * sizeof *b.due);
    b.head = malloc((size_t)b.spans * sizeof *b.head);
    uint8_t *ever = malloc((size_t)w->agents);
    memset(b.head, 0xFF, (size_t)b.spans * sizeof *b.head);
    memset(w->said, 0, (size_t)w->agents * sizeof *w->said);
    memcpy(ever, w->state, (size_t)w->agents);
    for (int64_t i = 0; i < reached; i++) await(&b, 0.0, w->queue[i]);
    while (turn(&b)) {
        const Ring now = next_due(&b);
        const int32_t u = now.agent, v = now.goal;
        if (now.number != w->said[u]) continue;
        if (v < 0) {
            w->state[u] = (uint8_t)law->becomes[w->state[u]];
        } else {
            const Row *row = &law->row[w->state[v]];
            const int o = now.part < row->until[0] ? 0 : now.part < row->until[1] ? 1 : -1;
            if (o >= 0 && row->listener[o] >= 0) {
                w->state[v] = (uint8_t)row->listener[o];
                w->said[v]++; /* what it waited for is void */
                reached += w->state[v] == 1 && !ever[v];
                ever[v] |= w->state[v] == 1;
                await(&b, now.when, v);
            }
            if (o >= 0 && row->speaker[o] >= 0)
                w->state[u] = (uint8_t)(law->tires && w->state[u] == 1 ? 3 : row->speaker[o]);
        }
        await(&b, now.when, u);
    }
    free(b.ring);
    free(b.due);
    free(b.head);
    free(ever);
    return reached;
}

#define NOTHING {{0.0, 0.0}, {-1, -1}, {-1, -1}}

/* Susceptible 0, infected 1, recovered 2, weakened 3. */
int64_t rings(const World *w, const int32_t *seeds, int64_t count, double kappa, double mu,
              double nu, double gamma, double ticks) {
    const double most = kappa + mu > nu ? kappa + mu : nu;
    const Law law = {
        .row = {{{kappa, kappa + mu}, {1, 3}, {-1, -1}}, NOTHING, NOTHING,
                {{nu, nu}, {1, -1}, {-1, -1}}},
        .bound = {most, 0.0, 0.0, nu}, .alone = {0.0, gamma}, .becomes = {0, 2}, .most = most,
    };
    return in_time(w, seeds, count, &law, ticks);
}

/* Ignorant 0, spreader 1, stifler 2, hibernator 3; with `calls` rates are those of one call. */
static int64_t rumour(const World *w, const int32_t *seeds, int64_t count, double spread,
                      double refuse, double alpha, Law law, double ticks) {
    const Row knows = {{alpha, alpha}, {-1, -1}, {2, -1}};
    const double known = alpha > law.row[3].until[0] ? alpha : law.row[3].until[0];
    law.row[0] = (Row){{spread, spread + refuse}, {1, 2}, {-1, -1}};
    law.row[1] = law.row[2] = knows;
    law.most = spread + refuse > known ? spread + refuse : known;
    law.bound[0] = law.most;
    law.bound[1] = law.bound[3] = law.alone[3] > 0.0 ? known : alpha;
    law.bound[2] = alpha;
    return in_time(w, seeds, count, &law, ticks);
}

int64_t forgetting(const World *w, const int32_t *seeds, int64_t count, double spread,
                   double alpha, double delta, double ticks) {
    const Law law = {.row = {NOTHING, NOTHING, NOTHING, NOTHING}, .alone = {0.0, delta},
                     .becomes = {0, 2}};
    return rumour(w, seeds, count, spread, 0.0, alpha, law, ticks);
}

int64_t remembering(const World *w, const int32_t *seeds, int64_t count, double spread,
                    double refuse, double alpha, double delta, double xi, double eta,
                    double ticks) {
    const Law law = {.row = {NOTHING, NOTHING, NOTHING, {{eta, eta}, {1, -1}, {-1, -1}}},
                     .alone = {0.0, delta, 0.0, xi}, .becomes = {0, 3, 0, 1}};
    return rumour(w, seeds, count, spread, refuse, alpha, law, ticks);
}

int64_t calls_in_time(const World *w, const int32_t *seeds, int64_t count, double call,
                      double ticks) {
    const Law law = {.row = {NOTHING, NOTHING, NOTHING, NOTHING}, .calls = 1};
    return rumour(w, seeds, count, call, 0.0, call, law, ticks);
}

/* Two stifling calls: a spreader tires first. */
int64_t tiring_in_time(const World *w, const int32_t *seeds, int64_t count, double call,
                       double ticks) {
    const Law law = {.row = {NOTHING, NOTHING, NOTHING, {{call, call}, {-1, -1}, {2, -1}}},
                     .calls = 1, .tires = 1};
    return rumour(w, seeds, count, call, 0.0, call, law, ticks);
}
