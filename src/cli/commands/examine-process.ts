// `flow-denoise doctor` starts this process for one engine, so that a driver that crashes takes nothing else with it.
// Prints one line of JSON: the examination, or for `auto` the engine it takes.
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
