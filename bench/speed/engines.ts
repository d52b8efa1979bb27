// Every available engine at several batch sizes: ms per tile for the posterior mean (one evaluation) and for one Adam step
// of beta-MAP, in one run, engine by engine, medians of the rounds. Engines that step on the host take one tile per
// thread whatever the batch.
// Usage: npm run bench -- engines [side of a tile] [rounds] [engines, with commas]
import { checkTile } from '#src/core/engine/check-tile.js';
import { ENGINE_NAMES, type Engine, type EngineName, runEstimation } from '#src/core/engine/engine.js';
import { openEngine } from '#src/core/engine/open-engine.js';
import { FlowDenoiseError } from '#src/core/errors.js';
import { betaMap } from '#src/core/inference/beta-map.js';
import { posteriorMean } from '#src/core/inference/posterior-mean.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { machineWords, median } from '../results.js';

const [sideText = '128', rounds = '3', wanted] = process.argv.slice(2);
const side = Number(sideText);
const names = wanted ? (wanted.split(',') as EngineName[]) : ENGINE_NAMES;
const TILES_AT_ONCE = [1, 2, 4, 8, 16];
const STEPS = 4;

const prior = await loadPrior(findPrior('natural'));
const priorSigma = prior.model.sigmaRange[0];
const { y, sigma: level, shape: tileShape } = checkTile(side);

const mean = (engine: Engine) => runEstimation(engine, tileShape, posteriorMean(y, level));
const climb = (engine: Engine, steps: number) =>
  runEstimation(
    engine,
    tileShape,
    betaMap(y, level, {
      beta: 4,
      steps,
      rate: 0.05,
      start: 'noisy',
      polish: false,
      priorSigma,
    }),
  );

async function milliseconds(count: number, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await Promise.all(Array.from({ length: count }, work));
  return (performance.now() - started) / count;
}

async function measure(engine: Engine, count: number): Promise<string[]> {
  const means: number[] = [];
  const steps: number[] = [];
  await milliseconds(count, () => climb(engine, 0));
  await milliseconds(count, () => mean(engine));
  for (let round = 0; round < Number(rounds); round++) {
    means.push(await milliseconds(count, () => mean(engine)));
    // A climb of no steps is one evaluation: what is left are the steps.
    const none = await milliseconds(count, () => climb(engine, 0));
    const some = await milliseconds(count, () => climb(engine, STEPS));
    steps.push((some - none) / STEPS);
  }
  return [median(means), median(steps)].map((value) => value.toPrecision(3));
}

console.log(machineWords());
console.log(`\nTiles of ${side} x ${side} pixels, prior natural, medians of ${rounds} rounds.\n`);
console.log('| engine | device | tiles at once | posterior mean, ms per tile | one Adam step, ms per tile |');
console.log('| --- | --- | --- | --- | --- |');
const absent: string[] = [];
for (const name of names) {
  try {
    const engine = await openEngine(prior, { engine: name });
    for (const count of TILES_AT_ONCE) {
      const [forMean, forStep] = await measure(engine, count);
      console.log(`| \`${name}\` | ${engine.device.device} | ${count} | ${forMean} | ${forStep} |`);
    }
    await engine.close();
  } catch (error) {
    if (!(error instanceof FlowDenoiseError)) throw error;
    absent.push(`${name}: ${error.message}`);
  }
}
if (absent.length > 0) console.log(`\nNot available:\n${absent.join('\n')}`);
