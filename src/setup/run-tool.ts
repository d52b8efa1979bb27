// Runs the tools of an installation (npm, pip, node-gyp): logs their output, kills their whole process group on abort (they
// write only what is removed then), and reports a failure with its last lines.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { FlowDenoiseError, messageOf } from '../core/errors.js';

export interface Installer {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** The log file with all output of the tools. */
  readonly logPath: string;
}

/** A failed step: which, why, and what to do. */
export function installFailed(step: string, reason: string, remedy: string, cause?: unknown) {
  return new FlowDenoiseError('INSTALL_FAILED', `${step} failed: ${reason}. To do: ${remedy}`, { cause });
}

const TAIL_LINES = 8;
const LINE_CHARACTERS = 140;

interface ToolCall {
  readonly step: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to the process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Turns the tool's output into the error to throw. Default, or if undefined: INSTALL_FAILED with the last lines. */
  readonly failure?: (output: string) => Error | undefined;
  readonly remedy: string;
}

/** The tool's stdout. @throws INSTALL_FAILED, or the error of `failure`; the signal's reason, once the tool has ended */
export async function runTool(
  { signal, logPath }: Installer,
  { step, command, args, cwd, env, failure, remedy }: ToolCall,
): Promise<string> {
  signal.throwIfAborted();
  const log = (text: string) => appendFileSync(logPath, text);
  log(`\n$ ${[command, ...args].join(' ')}\n`);
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own process group, so that its children are stopped too.
    detached: true,
  });
  let [stdout, output] = ['', ''];
  const take = (text: string): void => {
    output += text;
    log(text);
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    take(text);
  });
  child.stderr.setEncoding('utf8').on('data', take);
  const stop = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Already gone.
    }
  };
  signal.addEventListener('abort', stop);
  const reason = await once(child, 'close')
    .then(([code, killer]) => (code === 0 ? undefined : tail(output) || `ended with ${code ?? killer}`))
    .catch(messageOf);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (reason === undefined) return stdout;
  log(`(failed: ${reason})\n`);
  throw failure?.(output) ?? installFailed(step, `${command}: ${reason} (all of it in ${logPath})`, remedy);
}

/** The end of a tool's output: its error lines if it marks them, else its last lines. */
function tail(output: string): string {
  const lines = output
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => line.slice(0, LINE_CHARACTERS));
  const errors = lines.filter((line) => /\berror\b|\bfailed\b/i.test(line));
  const last = errors.length > 0 ? errors : lines;
  return last.slice(-TAIL_LINES).join('\n');
}
