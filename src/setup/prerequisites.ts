// Checks everything that an installation needs before it downloads anything, and reports all that is missing, with advice.
import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { promisify } from 'node:util';
import { FlowDenoiseError } from '../core/errors.js';
import type { Installer } from './run-tool.js';

/** Besides python3, which may be too old or lack venv. The pip of an older Python does not know the wheels' platforms. */
const PYTHONS = ['python3', ...[14, 13, 12, 11, 10, 9].map((minor) => `python3.${minor}`)];
const TOOLS_REMEDY =
  'apt install g++ make on Debian and Ubuntu, dnf install gcc-c++ make on Fedora, xcode-select --install on macOS';
const PROBE_TIMEOUT_MS = 60_000;
const PROGRAM = '#include <optional>\nstd::optional<int> x;\n';

interface Needs {
  /** The folder to install to. */
  readonly folder: string;
  /** Bytes that must be free there. */
  readonly space: number;
  /** Whether Python must be able to make an environment, for pip. */
  readonly venv: boolean;
}

/** The command of a suitable Python. @throws FlowDenoiseError INSTALL_FAILED with all that is missing; the signal's reason */
export async function findPrerequisites(
  { folder, space, venv }: Needs,
  { say, signal }: Pick<Installer, 'say' | 'signal'>,
): Promise<string> {
  // Chosen as node-gyp does.
  const cxx = process.env.CXX || (process.platform === 'darwin' ? 'c++' : 'g++');
  const [compiler = cxx, ...flags] = cxx.split(' ');
  const make = process.env.MAKE || 'make';
  const [npm, python, compiled, made, disk] = await Promise.all([
    probe('npm', ['--version'], signal),
    findPython(venv, signal),
    // It compiles a line, since a compiler may lack its headers.
    probe(compiler, [...flags, '-std=c++17', '-fsyntax-only', '-xc++', '-'], signal, PROGRAM),
    probe(make, ['--version'], signal),
    statfs(folder),
  ]);
  signal.throwIfAborted();
  const free = disk.bavail * disk.bsize;
  const needs: readonly (readonly [isThere: boolean, expected: string, remedy: string])[] = [
    [npm !== undefined, 'npm on the PATH', 'install npm, which comes with Node from nodejs.org'],
    [
      python !== undefined,
      `Python 3.9 or later${venv ? ' with its modules venv and ensurepip' : ''} on the PATH as python3`,
      'apt install python3 python3-venv on Debian and Ubuntu, dnf install python3 on Fedora, xcode-select --install on macOS',
    ],
    [compiled !== undefined, `a compiler of C++17 as ${cxx}`, TOOLS_REMEDY],
    [made !== undefined, `${make} on the PATH`, TOOLS_REMEDY],
    [
      free >= space,
      `${gigabytes(space)} of free space for ${folder}, where ${gigabytes(free)} are free`,
      'free some, or name a folder on another disk in FLOW_DENOISE_CACHE',
    ],
    [
      !/\s/.test(folder),
      `a folder without blanks in its path, which make cannot build in, but received ${folder}`,
      'name another in FLOW_DENOISE_CACHE',
    ],
  ];
  const missing = needs.filter(([isThere]) => !isThere);
  if (missing.length > 0 || python === undefined) {
    const list = missing.map(
      ([, expected, remedy], i) => `(${i + 1}) Expected ${expected}; to do: ${remedy}`,
    );
    throw new FlowDenoiseError('INSTALL_FAILED', `Nothing was installed. ${list.join('. ')}`);
  }
  say(
    `found: Node ${process.versions.node}, npm ${npm?.trim()}, Python ${python.version}, ${cxx}, ${make}, ${gigabytes(free)} free`,
  );
  return python.command;
}

/** A command's stdout; undefined if it cannot be run or fails. */
async function probe(command: string, args: readonly string[], signal: AbortSignal, input = '') {
  try {
    const running = promisify(execFile)(command, args, { signal, timeout: PROBE_TIMEOUT_MS });
    // It may not exist, or not read.
    running.child.stdin?.on('error', () => {}).end(input);
    return (await running).stdout;
  } catch {
    return undefined;
  }
}

async function findPython(venv: boolean, signal: AbortSignal) {
  const program = `import sys${venv ? ', venv, ensurepip' : ''}; print(sys.version.split()[0]); sys.exit(sys.version_info < (3, 9))`;
  for (const command of PYTHONS) {
    const version = await probe(command, ['-c', program], signal);
    if (version !== undefined) return { command, version: version.trim() };
  }
  return undefined;
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
