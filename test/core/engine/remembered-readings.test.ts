// A tile is measured once, whoever asks; other samples and what failed are measured anew.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rememberReadings } from '#src/core/engine/noise-meter/noise-meter.js';

const SIZE = { height: 16, width: 16 };
const tile = (value: number) => new Float32Array(3 * 256).fill(value);

test('alike samples share a reading, also while it is in work; others do not', async () => {
  const asked: number[] = [];
  const meter = rememberReadings({
    async measure(samples) {
      asked.push(samples[0] as number);
      return Float32Array.of(samples[0] as number);
    },
    pool: async () => ({ levels: [], deviations: [], evidence: 0 }),
    close: async () => {},
  });
  const readings = await Promise.all([
    meter.measure(tile(1), SIZE),
    meter.measure(tile(1), SIZE),
    meter.measure(tile(2), SIZE),
  ]);
  assert.equal(
    readings.map(([value]) => value),
    [1, 1, 2],
  );
  // The same array with other samples in it, as a program has that reads frame after frame.
  const reused = tile(3);
  await meter.measure(reused, SIZE);
  reused.fill(4);
  assert.is((await meter.measure(reused, SIZE))[0], 4);
  await meter.measure(tile(1), { height: 8, width: 32 });
  assert.equal(asked, [1, 2, 3, 4, 1]);
});

test('what failed is measured anew, and few are kept', async () => {
  let asked = 0;
  const meter = rememberReadings({
    async measure() {
      asked += 1;
      if (asked === 1) throw new Error('once');
      return new Float32Array(1);
    },
    pool: async () => ({ levels: [], deviations: [], evidence: 0 }),
    close: async () => {},
  });
  const failure = await meter.measure(tile(0), SIZE).catch((error: Error) => error.message);
  assert.is(failure, 'once');
  await meter.measure(tile(0), SIZE);
  assert.is(asked, 2);
  for (let i = 1; i <= 100; i++) await meter.measure(tile(i), SIZE);
  await meter.measure(tile(100), SIZE);
  assert.is(asked, 102);
  await meter.measure(tile(0), SIZE);
  assert.is(asked, 103);
});

test.run();
