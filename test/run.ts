// Runs every test file in a process of its own and counts. uvu alone exits 0 when a file forgets `.run()` or
// when a process ends early, so a file passes only if it counted tests (or skipped some) and all that ran passed.
// Usage: node --import tsx test/run.ts [--all] [part of a file name ...]
// Without a word: the files that say in minutes whether a change broke something. --all takes the slow ones (*.slow.test.ts) too.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { globSync } from 'tinyglobby';

const TIMEOUT_MS = 15 * 60_000;
const here = fileURLToPath(new URL('.', import.meta.url));
const { values, positionals: wanted } = parseArgs({
  options: { all: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const isWanted = (file: string) =>
  wanted.length > 0
    ? wanted.some((part) => file.includes(part))
    : values.all || !file.endsWith('.slow.test.ts');
const files = globSync('**/*.test.ts', { cwd: here }).sort().filter(isWanted);

interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
}

function runFile(file: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const started = Date.now();
    const child = spawn(process.execPath, ['--import', 'tsx', `${here}${file}`], {
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, TIMEOUT_MS);
    child.on('close', (code) => {
      clearTimeout(timer);
      const sum = (label: string) =>
        [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce(
          (n, m) => n + Number(m[1]),
          0,
        );
      const [total, passed, skipped] = [sum('Total'), sum('Passed'), sum('Skipped')];
      // uvu counts what was skipped beside the total, not in it.
      const isGood = code === 0 && total + skipped > 0 && passed === total;
      const failed = isGood ? 0 : Math.max(1, total - passed);
      console.log(
        `${isGood ? 'ok  ' : 'FAIL'} ${file}  ${passed}/${total}  ${((Date.now() - started) / 1000).toFixed(1)} s`,
      );
      for (const line of output.match(/^SKIP .*/gm) ?? []) console.log(`     ${line}`);
      if (!isGood) console.log(isLate ? `${output}\nran out of time (${TIMEOUT_MS / 60_000} min)` : output);
      resolve({ passed, failed, skipped });
    });
  });
}

const queue = [...files];
const outcomes: Outcome[] = [];
await Promise.all(
  Array.from({ length: Math.min(2, availableParallelism()) }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift())
      outcomes.push(await runFile(file));
  }),
);
const add = (key: keyof Outcome) => outcomes.reduce((n, outcome) => n + outcome[key], 0);
const minutes = (performance.now() / 60_000).toFixed(1);
console.log(
  `\n${add('passed')} passed, ${add('failed')} failed, ${add('skipped')} skipped, ${files.length} files, ${minutes} min`,
);
if (outcomes.length === 0) console.log(`no test file matches ${wanted.join(' ')}`);
process.exitCode = add('failed') > 0 || outcomes.length === 0 ? 1 : 0;
