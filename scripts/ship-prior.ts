// Takes a trained prior into models/ with its kernels in half precision.
// Usage: node --import tsx scripts/ship-prior.ts <trained prior's folder> models/<name>
import { loadPrior } from '#src/core/model/load-prior.js';
import { savePrior } from '#src/core/model/save-prior.js';

const [from, to] = process.argv.slice(2);
if (!from || !to) throw new Error('usage: ship-prior.ts <trained prior> <models/name>');
const { model, weights } = await loadPrior(from);
await savePrior(to, model, weights, 'F16');
