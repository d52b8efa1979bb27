#!/usr/bin/env node
// The command's entry: handles signals and sets the exit code. 0: all done; 1: some file failed, the others are done; 2: wrong
// usage, nothing was started; 130: interrupted (143 when terminated, 129 when the terminal closed).
import { CommanderError } from 'commander';
import { errorLine, Interrupted } from './display/report.js';
import { runProgram } from './program.js';

const signalCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type StopSignal = keyof typeof signalCodes;
const signalNames = Object.keys(signalCodes) as StopSignal[];

/** The signal listeners of our dependencies (locks) would swallow a signal while a program never yields. */
async function withDefaultSignals<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = signalNames.map((name) => [name, process.listeners(name)] as const);
  for (const name of signalNames) process.removeAllListeners(name);
  try {
    return await work();
  } finally {
    for (const [name, listeners] of before) for (const each of listeners) process.on(name, each);
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const stopping = new AbortController();
  let stoppedBy: StopSignal | undefined;
  function onSignal(name: StopSignal): void {
    if (stoppedBy !== undefined) {
      // The first signal stops cleanly; the second ends the process at once, whoever else listens (such as our locks).
      for (const each of signalNames) process.removeAllListeners(each);
      process.kill(process.pid, name);
      return;
    }
    stoppedBy = name;
    stopping.abort();
  }
  for (const each of signalNames) process.on(each, onSignal);
  try {
    return await runProgram(argv, {
      writeLine: (line) => process.stdout.write(`${line}\n`),
      signal: stopping.signal,
      withDefaultSignals,
    });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (stoppedBy !== undefined) {
      const words =
        error instanceof Interrupted ? error.message : 'stopped; pictures in work were not written';
      process.stderr.write(`flow-denoise: ${words}\n`);
      return signalCodes[stoppedBy];
    }
    process.stderr.write(`${errorLine(error)}\n`);
    return 2;
  } finally {
    for (const each of signalNames) process.removeListener(each, onSignal);
  }
}

// The reader of our output may stop reading (`| head`); the pictures still have to be done.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
process.exitCode = await main(process.argv.slice(2));
