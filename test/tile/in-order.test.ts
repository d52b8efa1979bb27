import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mapInOrder } from '#src/tile/in-order.js';

test('keeps the order and the limit, whatever the work takes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(3), { maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      async (times, limit) => {
        let [held, most] = [0, 0];
        async function* source() {
          for (const [index, time] of times.entries()) {
            held++;
            most = Math.max(most, held);
            yield { index, time };
          }
        }
        const indices: number[] = [];
        for await (const index of mapInOrder(source(), limit, async ({ index, time }) => {
          await delay(time);
          return index;
        })) {
          await delay(1);
          held--;
          indices.push(index);
        }
        assert.equal(
          indices,
          times.map((_, index) => index),
        );
        assert.ok(most <= limit, `${most} held, limit ${limit}`);
      },
    ),
    { numRuns: 30 },
  );
});

test('a result does not wait for the next input', async () => {
  let release = () => {};
  async function* source() {
    yield 1;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
  }
  const results = mapInOrder(source(), 2, async (item) => item * 10);
  assert.equal((await results.next()).value, 10);
  release();
  assert.equal((await results.next()).done, true);
});

test('a failure comes at its turn and leaves no unhandled rejection', async () => {
  const results = mapInOrder([30, 1, 2], 3, async (time) => {
    await delay(time);
    if (time < 10) throw new Error(`failed ${time}`);
    return time;
  });
  assert.equal((await results.next()).value, 30);
  await results.next().then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'failed 1'),
  );
  await delay(10);
});

test('takes plain arrays, also empty ones', async () => {
  for await (const item of mapInOrder([] as number[], 2, async (n) => n)) assert.unreachable(String(item));
});

test.run();
