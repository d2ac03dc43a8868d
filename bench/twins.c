/* Laws whose visits cost more than a coin, in plain C, for bench/visits.py.

   Each does what its law demands of anybody: a sum and a threshold, a random listener looked up, an
   event put in order of time. As reference.c they record neither who convinced whom nor when. */
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

/* Maki-Thompson in discrete steps: a spreader calls with a chance, one of its listeners. */
int64_t calls(const World *w, const int32_t *seeds, int64_t count, double chance, double steps) {
    const uint32_t under = gate(chance);
    int64_t tail = seeded(w, seeds, count), reached = tail;
    for (int64_t step = 0; tail && step < (int64_t)steps; step++) {
        const int64_t before = tail;
        int64_t kept = 0;
        for (int64_t i = 0; i < before; i++) {
            const int32_t u = w->queue[i];
            const int64_t length = w->row[u + 1] - w->row[u];
            int stifled = 0;
            if (length && coin() < under) {
                const int32_t v = w->heard[w->row[u] + (int64_t)(share() * (double)length)];
                stifled = w->state[v] != 0;
                if (!stifled) w->queue[tail++] = v, w->state[v] = 1;
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

/* Rings in continuous time, in a calendar of spans: a list each, sorted when its time has come. */
typedef struct { double when; int32_t agent, next; } Ring;
typedef struct {
    Ring *ring;
    int32_t *head, spare, used;
    int64_t spans, span;
    double width;
    Ring *due; /* of the span under way, the earliest last */
    int64_t many;
} Book;

static void put_due(Book *b, double when, int32_t agent) {
    int64_t i = b->many++;
    for (; i > 0 && b->due[i - 1].when < when; i--) b->due[i] = b->due[i - 1];
    b->due[i].when = when;
    b->due[i].agent = agent;
}

static void await(Book *b, double now, double rate, int32_t agent) {
    const double when = now - log(1.0 - share()) / rate;
    const int64_t to = (int64_t)(when / b->width);
    if (to <= b->span) { put_due(b, when, agent); return; }
    if (to >= b->spans) return;
    int32_t at = b->spare;
    if (at >= 0) b->spare = b->ring[at].next; else at = b->used++;
    b->ring[at].when = when;
    b->ring[at].agent = agent;
    b->ring[at].next = b->head[to];
    b->head[to] = at;
}

static int turn(Book *b) {
    while (!b->many) {
        if (++b->span >= b->spans) return 0;
        for (int32_t at = b->head[b->span], next; at >= 0; at = next) {
            next = b->ring[at].next;
            put_due(b, b->ring[at].when, b->ring[at].agent);
            b->ring[at].next = b->spare;
            b->spare = at;
        }
    }
    return 1;
}

/* Susceptible-weakened-infected-recovered at rates, one event at a time, for some ticks: an
   infected agent rings at its largest rate, and a tie at a lower one accepts in proportion. */
int64_t rings(const World *w, const int32_t *seeds, int64_t count, double kappa, double mu,
              double nu, double gamma, double ticks) {
    const double most = kappa + mu > nu ? kappa + mu : nu;
    int64_t reached = seeded(w, seeds, count);
    Book b = {.spare = -1, .span = -1, .width = 1.0 / 65536};
    b.spans = (int64_t)(ticks / b.width);
    b.ring = malloc((size_t)w->agents * sizeof *b.ring);
    b.due = malloc((size_t)w->agents * sizeof *b.due);
    b.head = malloc((size_t)b.spans * sizeof *b.head);
    memset(b.head, 0xFF, (size_t)b.spans * sizeof *b.head);
    for (int64_t i = 0; i < reached; i++) {
        const int32_t u = w->queue[i];
        await(&b, 0.0, most * (double)(w->row[u + 1] - w->row[u]) + gamma, u);
    }
    while (turn(&b)) {
        const Ring now = b.due[--b.many];
        const int64_t start = w->row[now.agent], length = w->row[now.agent + 1] - start;
        const double rate = most * (double)length + gamma, x = share() * rate;
        if (x < gamma) {
            w->state[now.agent] = 2;
            continue;
        }
        const double place = (x - gamma) / most;
        const int64_t e = (int64_t)place < length ? (int64_t)place : length - 1;
        const int32_t v = w->heard[start + e];
        const double part = (place - (double)e) * most;
        if (w->state[v] == 0 ? part < kappa : w->state[v] == 3 && part < nu) {
            w->state[v] = 1;
            reached++;
            await(&b, now.when, most * (double)(w->row[v + 1] - w->row[v]) + gamma, v);
        } else if (w->state[v] == 0 && part < kappa + mu) {
            w->state[v] = 3;
        }
        await(&b, now.when, rate, now.agent);
    }
    free(b.ring);
    free(b.due);
    free(b.head);
    return reached;
}
