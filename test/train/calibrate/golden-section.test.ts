// The search for a maximum, on functions whose maximum is known.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { maximum } from '#src/train/calibrate/best-beta.js';

const options = { start: 0, step: 0.7, least: -4, most: 6, tolerance: 0.1 };

async function search(f: (x: number) => number, changes: Partial<typeof options> = {}) {
  const asked: number[] = [];
  const found = await maximum(
    async (x) => {
      asked.push(x);
      return f(x);
    },
    { ...options, ...changes },
  );
  return { ...found, asked };
}

test('finds the top of smooth and of pointed hills, wherever it starts', async () => {
  for (const top of [-3.2, -0.31, 0, 0.05, 1.234, 5.5])
    for (const start of [-4, -1, 0, 2.2, 6])
      for (const hill of [(x: number) => -((x - top) ** 2), (x: number) => -Math.abs(x - top)]) {
        const { x, value, asked } = await search(hill, { start });
        assert.ok(Math.abs(x - top) <= options.tolerance, `${x}, not ${top}, from ${start}`);
        assert.is(value, hill(x));
        assert.ok(asked.length <= 26, `${asked.length} questions`);
      }
});

test('never asks outside, and finds a top at the border', async () => {
  for (const slope of [1, -1]) {
    const { x, asked } = await search((at) => slope * at);
    assert.ok(Math.abs(x - (slope > 0 ? options.most : options.least)) <= options.tolerance, String(x));
    assert.ok(asked.every((at) => at >= options.least && at <= options.most));
  }
});

test('gives the best that it saw, on a plain too', async () => {
  const flat = await search(() => 3);
  assert.is(flat.value, 3);
  const rough = (x: number) => Math.sin(40 * x) - x * x;
  const { value, asked } = await search(rough);
  assert.is(value, Math.max(...asked.map(rough)));
});

test('asks little: a top one step away takes at most nine questions', async () => {
  const { asked } = await search((x) => -((x - 0.5) ** 2), { step: Math.LN2, tolerance: 0.15 });
  assert.ok(asked.length <= 9, `${asked.length}`);
});

test.run();
