// `flow-denoise doctor` runs this process for each engine, so that a crashing driver ends nothing else. Prints one line of
// JSON: the examination, or for `auto` the chosen engine.
import type { EngineName } from '../../core/engine/engine.js';
import { examineEngine } from '../../core/engine/examine-engine.js';
import { openEngine } from '../../core/engine/open-engine.js';
import { findPrior } from '../../core/model/find-prior.js';
import { loadPrior } from '../../core/model/load-prior.js';

const [name] = process.argv.slice(2);
if (name === 'auto') {
  const engine = await openEngine(await loadPrior(findPrior('natural')), { engine: 'auto' });
  console.log(JSON.stringify({ name: engine.name, why: engine.why }));
  await engine.close();
} else {
  console.log(JSON.stringify(await examineEngine(name as EngineName)));
}
