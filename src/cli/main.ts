#!/usr/bin/env node
// The command's entry: signals in, exit code out. 0 all done; 1 some file failed, the others are done; 2 usage
// (nothing was started); 130 interrupted (143 when terminated).
import { CommanderError } from 'commander';
import { Interrupted } from './interrupted.js';
import { runProgram } from './program.js';
import { errorLine } from './report.js';

const signalCodes = { SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof signalCodes;

async function main(argv: readonly string[]): Promise<number> {
  const stopping = new AbortController();
  let stoppedBy: StopSignal | undefined;
  function onSignal(name: StopSignal): void {
    // The first signal stops cleanly; a second one finds no listener and ends the process at once.
    for (const each of ['SIGINT', 'SIGTERM'] as const) process.removeListener(each, onSignal);
    stoppedBy = name;
    stopping.abort();
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await runProgram(argv, {
      writeLine: (line) => process.stdout.write(`${line}\n`),
      signal: stopping.signal,
    });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (stoppedBy !== undefined) {
      const words =
        error instanceof Interrupted ? error.message : 'stopped; what was in work was not written';
      process.stderr.write(`flow-denoise: ${words}\n`);
      return signalCodes[stoppedBy];
    }
    process.stderr.write(`${errorLine(error)}\n`);
    return 2;
  } finally {
    for (const each of ['SIGINT', 'SIGTERM'] as const) process.removeListener(each, onSignal);
  }
}

// Whoever reads our lines may stop reading (`| head`); the pictures are still to be done.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
process.exitCode = await main(process.argv.slice(2));
