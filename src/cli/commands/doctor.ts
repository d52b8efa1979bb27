// `flow-denoise doctor`: examines every engine on this machine; prints a table or JSON.

import { execFile } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { MOST_DEVIATION } from '../../core/engine/check-tile.js';
import { ENGINE_NAMES } from '../../core/engine/engine.js';
import type { AvailableEngine, EngineExamination } from '../../core/engine/examine-engine.js';
import { FlowDenoiseError } from '../../core/errors.js';
import { type CommandContext, say } from '../display/progress.js';

const HELP = `
Each engine computes the score of a built-in tile with the prior "natural". The deviation is the norm of the difference
from a score in float64, divided by that score's norm; below 1e-4 is good. The time is that of one evaluation, divided
by the tiles that run at once.

Exit codes: 0 the engine chosen by "auto" is good, 1 it is not.`;

/** @param end  called with the exit code */
export function describeDoctor(command: Command, context: CommandContext, end: (code: number) => void): void {
  command
    .description('try every engine: available or why not, device, speed, deviation')
    .option('--json', 'as JSON on stdout')
    .addHelpText('after', HELP)
    .action(async ({ json = false }: { readonly json?: boolean }) => end(await examine(json, context)));
}

/** The answer of an engine's process, or how it ended. */
function inProcess<R>(name: string, signal: AbortSignal): Promise<R | Error> {
  const program = fileURLToPath(new URL('./examine-process.js', import.meta.url));
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, name], { signal }, (error, stdout) => {
      const line = stdout.split('\n').find((text) => text.startsWith('{'));
      if (signal.aborted) reject(signal.reason);
      // An answer counts, even if the driver crashed afterwards.
      else if (line !== undefined) resolve(JSON.parse(line) as R);
      else resolve(new Error(`its process ended with ${error?.signal ?? error?.code ?? 'no answer'}`));
    });
  });
}

async function examine(json: boolean, { writeLine, signal }: CommandContext): Promise<number> {
  const engines: EngineExamination[] = [];
  for (const name of ENGINE_NAMES) {
    if (!json) say(`trying ${name} ...`);
    const examined = await inProcess<EngineExamination>(name, signal);
    engines.push(
      examined instanceof Error ? { name, isAvailable: false, reason: examined.message } : examined,
    );
  }
  const auto = await inProcess<{ name: string; why: string }>('auto', signal);
  if (auto instanceof Error)
    throw new FlowDenoiseError('ENGINE_UNAVAILABLE', `engine auto does not open: ${auto.message}`);
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
  };
  if (json) writeLine(JSON.stringify({ machine, auto, engines }));
  else for (const line of table(engines)) writeLine(line);
  if (!json) writeLine(`auto takes ${auto.name}: ${auto.why}`);
  const chosen = engines.find(({ name }) => name === auto.name);
  return chosen?.isAvailable && isGood(chosen) ? 0 : 1;
}

const isGood = ({ deviation }: AvailableEngine) => deviation < MOST_DEVIATION;

const HEADINGS = ['engine', 'device', 'library', 'threads', 'memory', 'time per tile', 'deviation'];

/** Columns for the available engines, then a line for each of the others. */
export function table(engines: readonly EngineExamination[]): string[] {
  const available = engines.filter((engine) => engine.isAvailable);
  const rows = [HEADINGS, ...available.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const missing = engines.flatMap((engine) =>
    engine.isAvailable ? [] : [`${engine.name}: ${engine.reason.replaceAll(/\s*\n\s*/g, '; ')}`],
  );
  return [
    ...lines,
    ...(missing.length > 0 ? ['', 'Not available:', ...missing.map((line) => `  ${line}`)] : []),
    '',
  ];
}

function cells(engine: AvailableEngine): string[] {
  const { name, device, library, threads, memoryBytes, msPerTile, tileSide, deviation } = engine;
  const memory = memoryBytes === undefined ? "the machine's" : `${(memoryBytes / 1024 ** 3).toFixed(1)} GiB`;
  const verdict = isGood(engine) ? '' : ' (too much)';
  return [
    name,
    device,
    library,
    String(threads),
    memory,
    `${msPerTile.toFixed(0)} ms (${tileSide} px)`,
    deviation.toExponential(1) + verdict,
  ];
}
