// Breadth-first search over a random graph in compressed sparse row form: 65,536 nodes, 8 edges each.
#include <stdint.h>
#include <stdio.h>
#define NODES 65536
#define DEGREE 8
static uint32_t edges[NODES * DEGREE], distance[NODES], queue[NODES];

int main(void) {
    uint32_t state = 1;
    for (int i = 0; i < NODES * DEGREE; i++) {
        // xorshift32 (Marsaglia, 2003).
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        edges[i] = state % NODES;
    }
    uint32_t head = 0, tail = 0;
    queue[tail++] = 0;
    distance[0] = 1;
    while (head < tail) {
        uint32_t node = queue[head++];
        for (int e = 0; e < DEGREE; e++) {
            uint32_t next = edges[node * DEGREE + e];
            if (distance[next] == 0) {
                distance[next] = distance[node] + 1;
                queue[tail++] = next;
            }
        }
    }
    printf("%u nodes, deepest %u\n", tail, distance[queue[tail - 1]]);
    return 0;
}
