// `flow-denoise engines` installs an engine that does not come with the package, with src/setup. `flow-denoise doctor`
// examines every engine on this machine.

import { execFile } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Argument, type Command } from 'commander';
import { MOST_DEVIATION } from '../../core/engine/check-tile.js';
import { ENGINE_NAMES } from '../../core/engine/engine.js';
import type { AvailableEngine, EngineExamination } from '../../core/engine/examine-engine.js';
import { codeOf, FlowDenoiseError } from '../../core/errors.js';
import { notBoth } from '../../denoiser/option-schema.js';
import type { InstallOptions } from '../../setup/install-tensorflow.js';
import { say, writeLine } from '../display/progress.js';
import { errorLine } from '../display/report.js';
import { addOptions, type OutputFlags } from '../option-flags.js';

type InstallArguments = Partial<Pick<InstallOptions, 'cuda' | 'libtensorflow' | 'force'>>;

const INSTALL_HELP = `
Installs into the user's cache folder, or into FLOW_DENOISE_CACHE. It needs python3 with venv, a C++ compiler, make and
npm. An existing installation is verified. After a failure, run it again: finished steps are kept.

Exit codes: 0 installed and works, 1 failed, 2 wrong usage, 3 not available for this platform, 130 interrupted.`;

export function describeEngines(command: Command, signal: AbortSignal): void {
  const install = command
    .description('install an engine')
    .command('install')
    .description('install an engine that does not come with the package')
    .addArgument(new Argument('<engine>', 'which').choices(['tensorflow']));
  addOptions(install, {
    '--cuda': 'with CUDA 12, for an NVIDIA GPU (Linux on x64)',
    '--libtensorflow <folder>': 'use an existing libtensorflow: a folder with lib and include',
    '--force': 'make everything again',
  })
    .addHelpText('after', INSTALL_HELP)
    .action(async (_engine: string, { cuda = false, libtensorflow, force = false }: InstallArguments) => {
      if (cuda && libtensorflow !== undefined)
        throw notBoth('--cuda', '--libtensorflow', 'the folder decides whether it has CUDA');
      const { installTensorflow } = await import('../../setup/install-tensorflow.js');
      try {
        await installTensorflow({ cuda, libtensorflow, force, say, signal });
      } catch (error) {
        const code = FAILURES[codeOf(error) ?? ''];
        if (code === undefined) throw error;
        say(errorLine(error));
        process.exitCode = code;
      }
    });
}

const FAILURES: Readonly<Record<string, number>> = { INSTALL_FAILED: 1, ENGINE_UNAVAILABLE: 3 };

const DOCTOR_HELP = `
Each engine computes the score of a built-in tile with the prior "natural". The deviation is the norm of the difference
from a score in float64, divided by that score's norm; below 1e-4 is good. The time is that of one evaluation, divided
by the tiles that run at once.

Exit codes: 0 the engine chosen by "auto" is good, 1 it is not.`;

export function describeDoctor(command: Command, signal: AbortSignal): void {
  command
    .description('try every engine: available or why not, device, speed, deviation')
    .option('--json', 'as JSON on stdout')
    .addHelpText('after', DOCTOR_HELP)
    .action(async ({ json = false }: OutputFlags) => {
      process.exitCode = await examine(json, signal);
    });
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

/** Returns the exit code. */
async function examine(json: boolean, signal: AbortSignal): Promise<number> {
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
function table(engines: readonly EngineExamination[]): string[] {
  const rows = [HEADINGS, ...engines.flatMap((engine) => (engine.isAvailable ? [cells(engine)] : []))];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  const missing = engines.flatMap((engine) =>
    engine.isAvailable ? [] : [`  ${engine.name}: ${engine.reason.replaceAll(/\s*\n\s*/g, '; ')}`],
  );
  const others = missing.length > 0 ? ['', 'Not available:', ...missing] : [];
  return [...rows.map((row) => line(row).trimEnd()), ...others, ''];
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
