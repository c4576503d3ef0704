// Drives the router: messages arrive at random, wait at the source until the queue takes their flits, and are timed until they have left.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include "Vrouter.h"
#include "config.h"

static uint32_t state = SEED;
static double uniform() {
    state ^= state << 13; state ^= state >> 17; state ^= state << 5;
    return state / 4294967296.0;
}

struct Source { std::deque<long> waiting; int sent = 0; };

int main() {
    Vrouter top;
    const int flits = 128 / WIDTH;
    Source sources[4];
    std::deque<long> inside[4];
    int gone[4] = {0, 0, 0, 0};
    long finished = 0, total = 0, offered = 0;
    top.rst = 1; top.push = 0;
    for (int i = 0; i < 4; i++) { top.clk = 0; top.eval(); top.clk = 1; top.eval(); }
    top.rst = 0;
    for (long cycle = 0; cycle < CYCLES; cycle++) {
        for (int i = 0; i < 4; i++)
            if (uniform() < LOAD / flits / 4) { sources[i].waiting.push_back(cycle); offered++; }
        top.clk = 0; top.eval();
        int push = 0;
        for (int i = 0; i < 4; i++)
            if (!sources[i].waiting.empty() && (top.ready >> i & 1)) {
                push |= 1 << i;
                if (sources[i].sent == 0) inside[i].push_back(sources[i].waiting.front());
                if (++sources[i].sent == flits) { sources[i].sent = 0; sources[i].waiting.pop_front(); }
            }
        top.push = push;
        top.eval();
        top.clk = 1; top.eval();
        if (top.valid) {
            int i = top.from;
            if (++gone[i] == flits) {
                gone[i] = 0;
                total += cycle - inside[i].front();
                inside[i].pop_front();
                finished++;
            }
        }
    }
    std::printf("finished %ld of %ld\nlatency %.4f cycles\nthroughput %.6f bit/cycle\n", finished, offered,
                finished ? double(total) / finished : -1.0, 128.0 * finished / CYCLES);
    return 0;
}
