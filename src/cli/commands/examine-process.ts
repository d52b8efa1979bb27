// `flow-denoise doctor` runs this process for each engine, so that a crashing driver ends nothing else. Prints one line of
// JSON: the examination, or for `auto` the chosen engine.
import type { EngineName } from '../../core/engine/engine.js';
import { examineEngine, loadCheckedPrior } from '../../core/engine/examine-engine.js';
import { openEngine } from '../../core/engine/open-engine.js';

const [name] = process.argv.slice(2);
const checked = await loadCheckedPrior();
if (name === 'auto') {
  const engine = await openEngine(checked.prior, { engine: 'auto' });
  console.log(JSON.stringify({ name: engine.name, why: engine.why }));
  await engine.close();
} else {
  console.log(JSON.stringify(await examineEngine(name as EngineName, checked)));
}
