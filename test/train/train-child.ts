// A training in a process of its own, whose environment libtensorflow reads when it starts.
// Usage: node --import tsx test/train/train-child.ts <options as JSON> <stop after so many steps; 0: do not>
import { train } from '#src/train/train.js';

const options = JSON.parse(process.argv[2] ?? '{}');
const stopAfter = Number(process.argv[3]);
for await (const { kind, step } of train(options)) if (kind === 'step' && step === stopAfter) break;
