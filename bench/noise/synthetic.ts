// Which pictures `findSynthetic` says are drawn, by kind, on pictures whose label is known; wrong answers are marked.
// Thresholds were chosen on set `chosen` (BSDS500's training part, seeds from 1); `held-out` has CBSD68, cameras' pictures
// and other seeds. Last, what an answer costs.
// Usage: npm run bench -- synthetic [held-out | chosen] [photographs] [graphics of a kind]
import { findSynthetic } from '#src/core/noise/estimate/synthetic.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { sharedPath } from '../../test/shared.js';
import { mosaic, readPictures, toBytes } from '../pictures.js';
import { median } from '../results.js';
import { cleanGraphics, filesOf, type Label, type Labelled, noisyPictures } from './labelled-pictures.js';

const [set = 'held-out', photographs = '6', graphics = '12'] = process.argv.slice(2);
const data = sharedPath('data/');
if (!data) process.exit(0);

interface Row {
  readonly label: Label;
  count: number;
  synthetic: number;
}
const rows = new Map<string, Row>();

async function tally(pictures: AsyncIterable<Labelled>): Promise<void> {
  for await (const { kind, label, picture } of pictures) {
    const key = `${label} ${kind}`;
    const row = rows.get(key) ?? { label, count: 0, synthetic: 0 };
    row.count += 1;
    if ((await findSynthetic(picture)) !== undefined) row.synthetic += 1;
    rows.set(key, row);
  }
}

const seed = set === 'chosen' ? 1 : 5001;
await tally(cleanGraphics(seed, Number(graphics)));
await tally(noisyPictures(`${data}${set === 'chosen' ? 'bsds432' : 'cbsd68'}/`, Number(photographs), seed));
if (set !== 'chosen') {
  await tally(filesOf(`${data}cc15/`, /_real\.png$/, 'camera PNG (cc15)', 'noisy'));
  await tally(filesOf(`${data}cc15/`, /_mean\.png$/, 'mean of shots (cc15)', 'either'));
  await tally(filesOf(`${data}polyu44/noisy/`, /\.jpg$/, 'camera JPEG (polyu44)', 'noisy'));
}

console.log('| label and kind | said to be synthetic | |\n| --- | --- | --- |');
for (const [kind, { label, count, synthetic }] of [...rows].sort(([a], [b]) => a.localeCompare(b))) {
  const wrong = label === 'either' ? 0 : label === 'noisy' ? synthetic : count - synthetic;
  console.log(`| ${kind} | ${synthetic} of ${count} | ${wrong > 0 ? `${wrong} wrong` : ''} |`);
}
for (const label of ['synthetic', 'noisy', 'either'] as const) {
  const own = [...rows.values()].filter((row) => row.label === label);
  const sum = (of: (row: Row) => number) => own.reduce((total, row) => total + of(row), 0);
  console.log(`${label}: ${sum((row) => row.synthetic)} of ${sum((row) => row.count)} said to be synthetic`);
}

const shots = await readPictures('12');
for (const [width, height] of [
  [1200, 833],
  [6000, 4000],
] as const) {
  const picture = {
    data: toBytes(addGaussianNoise(mosaic(shots, width, height), 10 / 255, 7)),
    width,
    height,
    channels: 3,
  } as const;
  const times: number[] = [];
  for (let run = 0; run < 15; run++) {
    const started = performance.now();
    await findSynthetic(picture);
    times.push(performance.now() - started);
  }
  const first = times[0] ?? 0;
  console.log(
    `${width} x ${height}: first ${first.toFixed(1)} ms, median of 15 ${median(times)?.toFixed(1)} ms`,
  );
}
