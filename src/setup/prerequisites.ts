// Checks everything that an installation needs before it downloads anything, and reports all that is missing, with advice.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { FlowDenoiseError } from '../core/errors.js';
import { sizeWords } from './installer.js';

interface Prerequisites {
  /** The command or path of a Python that has what is needed. */
  readonly python: string;
  /** What was found, in one line for the user. */
  readonly words: string;
}

export interface Needs {
  /** Python's venv, for pip. */
  readonly venv: boolean;
  /** Bytes that must be free below `folder`. */
  readonly space: number;
  /** The folder to install to; it may not exist yet. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Something that was found, as text, or that is missing: what was expected and what to do. */
type Finding =
  | { readonly found: string; readonly path?: string }
  | { readonly missing: string; readonly remedy: string };

/** The oldest Python whose own pip knows the wheels' platforms. */
const PYTHON_MINOR = 9;
/** Besides python3, which may be too old or lack venv. */
const PYTHONS = [
  'python3',
  'python3.14',
  'python3.13',
  'python3.12',
  'python3.11',
  'python3.10',
  'python3.9',
];
const PROBE_TIMEOUT_MS = 60_000;

/** @throws  FlowDenoiseError INSTALL_FAILED with everything that is missing; the signal's reason when aborted */
export async function findPrerequisites(needs: Needs): Promise<Prerequisites> {
  const [npm, python, compiler, make, space, name] = await Promise.all([
    findNpm(needs.signal),
    findPython(needs),
    findCompiler(needs.signal),
    findMake(needs.signal),
    findSpace(needs),
    checkName(needs.folder),
  ]);
  needs.signal.throwIfAborted();
  const findings = [npm, python, compiler, make, space, name];
  const missing = findings.flatMap((each) =>
    'missing' in each ? `${each.missing}; to do: ${each.remedy}` : [],
  );
  if (missing.length > 0 || 'missing' in python) {
    const list = missing
      .map((each, index) => (missing.length > 1 ? `(${index + 1}) ${each}` : each))
      .join('. ');
    throw new FlowDenoiseError(
      'INSTALL_FAILED',
      `Nothing was installed, because something is missing: ${list}`,
    );
  }
  const words = [
    `Node ${process.versions.node}`,
    ...findings.flatMap((each) => ('found' in each ? each.found : [])),
  ];
  return { python: python.path ?? 'python3', words: words.filter((word) => word !== '').join(', ') };
}

/** A command's stdout; undefined if it cannot be run or fails. */
function probe(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
  input = '',
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = execFile(command, args, { signal, timeout: PROBE_TIMEOUT_MS }, (error, stdout) =>
      resolve(error ? undefined : stdout),
    );
    // The callback reports a command that does not exist or does not read.
    child.stdin?.on('error', () => {}).end(input);
  });
}

const firstNumber = (text: string): string => /\d+(?:\.\d+)+/.exec(text)?.[0] ?? '';

async function findNpm(signal: AbortSignal): Promise<Finding> {
  const version = await probe('npm', ['--version'], signal);
  return version === undefined
    ? { missing: 'Expected npm on the PATH', remedy: 'install npm, which comes with Node from nodejs.org' }
    : { found: `npm ${version.trim()}` };
}

const pythonSchema = z.object({
  path: z.string(),
  version: z.tuple([z.number(), z.number(), z.number()]),
  venv: z.boolean(),
});
type Python = z.infer<typeof pythonSchema>;

const PYTHON_PROBE = `
import json, sys
try:
    import ensurepip, venv
    has = True
except ImportError:
    has = False
print(json.dumps({"path": sys.executable, "version": sys.version_info[:3], "venv": has}))`;

async function findPython({ venv, signal }: Needs): Promise<Finding> {
  const pythons: Python[] = [];
  for (const command of PYTHONS) {
    const answer = await probe(command, ['-c', PYTHON_PROBE], signal);
    const python = answer === undefined ? undefined : parsePython(answer);
    if (python === undefined) continue;
    const words = `Python ${python.version.join('.')}`;
    if (isNewEnough(python) && (python.venv || !venv)) return { found: words, path: python.path };
    pythons.push(python);
  }
  const recent = pythons.find(isNewEnough);
  if (recent !== undefined) {
    return {
      missing: `Expected Python with its modules venv and ensurepip, but ${recent.path} lacks them`,
      remedy: `apt install python${recent.version[0]}.${recent.version[1]}-venv (or python3-venv) on Debian and Ubuntu`,
    };
  }
  const [old] = pythons;
  const expected = `Expected Python 3.${PYTHON_MINOR} or later on the PATH as python3`;
  return {
    missing: old === undefined ? expected : `${expected}, but found ${old.version.join('.')} (${old.path})`,
    remedy:
      process.platform === 'darwin'
        ? 'xcode-select --install, or brew install python'
        : 'apt install python3 python3-venv on Debian and Ubuntu, dnf install python3 on Fedora',
  };
}

function parsePython(answer: string): Python | undefined {
  try {
    return pythonSchema.safeParse(JSON.parse(answer)).data;
  } catch {
    return undefined;
  }
}

function isNewEnough({ version: [major, minor] }: Python): boolean {
  return major === 3 && minor >= PYTHON_MINOR;
}

const TOOLS_REMEDY =
  process.platform === 'darwin'
    ? 'xcode-select --install'
    : 'apt install g++ make on Debian and Ubuntu, dnf install gcc-c++ make on Fedora';

/** Compiles a few lines, since a compiler may lack its headers. */
async function findCompiler(signal: AbortSignal): Promise<Finding> {
  // Chosen as node-gyp does.
  const [command = 'g++', ...args] = (
    process.env.CXX || (process.platform === 'darwin' ? 'c++' : 'g++')
  ).split(' ');
  const version = await probe(command, [...args, '--version'], signal);
  if (version === undefined)
    return { missing: `Expected a C++ compiler, but ${command} does not run`, remedy: TOOLS_REMEDY };
  const program = '#include <optional>\nint main() { return *std::optional<int>(0); }\n';
  const isWorking = await probe(
    command,
    [...args, '-std=c++17', '-fsyntax-only', '-xc++', '-'],
    signal,
    program,
  );
  return isWorking === undefined
    ? { missing: `Expected a C++17 compiler, but ${command} cannot compile C++17`, remedy: TOOLS_REMEDY }
    : { found: `${command} ${firstNumber(version.split('\n')[0] ?? '')}` };
}

async function findMake(signal: AbortSignal): Promise<Finding> {
  const command = process.env.MAKE || 'make';
  const version = await probe(command, ['--version'], signal);
  return version === undefined
    ? { missing: `Expected ${command} on the PATH`, remedy: TOOLS_REMEDY }
    : { found: `make ${firstNumber(version)}` };
}

async function findSpace({ folder, space }: Needs): Promise<Finding> {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = await statfs(there);
  const free = bavail * bsize;
  return free < space
    ? {
        missing: `Expected ${sizeWords(space)} of free space for ${folder}, but there are ${sizeWords(free)}`,
        remedy: 'free some, or name a folder on another disk in FLOW_DENOISE_CACHE',
      }
    : { found: `${sizeWords(free)} free` };
}

/** make, which builds the addon, cannot handle blanks in paths. */
async function checkName(folder: string): Promise<Finding> {
  return /\s/.test(folder)
    ? {
        missing: `Expected a folder without blanks in its path, which make cannot build in, but received ${folder}`,
        remedy: 'name another in FLOW_DENOISE_CACHE',
      }
    : { found: '' };
}
