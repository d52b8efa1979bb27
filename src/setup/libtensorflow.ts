// libtensorflow: lib and include in the layout that @tensorflow/tfjs-node-gpu needs, from PyPI's TensorFlow wheel or the
// user's folder.
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { badOption, FlowDenoiseError } from '../core/errors.js';
import { type Installer, installFailed, runTool } from './run-tool.js';

const VERSION = '2.21.0';

export interface Libtensorflow {
  /** `tensorflow-cpu 2.21.0`, or a folder. */
  readonly source: string;
  readonly device: 'cpu' | 'cuda';
  /** The package on PyPI; undefined for the user's folder. */
  readonly wheel?: 'tensorflow' | 'tensorflow-cpu';
}

function notForThisPlatform(reason: string): FlowDenoiseError {
  return new FlowDenoiseError('ENGINE_UNAVAILABLE', `TensorFlow cannot be installed here: ${reason}`);
}

/** @throws FlowDenoiseError BAD_OPTION if the user's folder is no libtensorflow; ENGINE_UNAVAILABLE if none suits here */
export function chooseLibtensorflow(cuda: boolean, folder: string | undefined): Libtensorflow {
  const { platform, arch } = process;
  if (platform !== 'linux' && platform !== 'darwin')
    throw notForThisPlatform(
      `TensorFlow.js for Node is built here on Linux and macOS only, not on ${platform}. To do: use the engine onnx, or WSL 2`,
    );
  if (folder !== undefined) return fromFolder(folder);
  const onLinuxX64 = platform === 'linux' && arch === 'x64';
  if (isMusl() || (cuda ? !onLinuxX64 : !onLinuxX64 && arch !== 'arm64')) {
    const system = `${platform} on ${arch}${isMusl() ? ' without glibc (Alpine?)' : ''}`;
    throw notForThisPlatform(
      `PyPI has no TensorFlow ${VERSION}${cuda ? ' with CUDA' : ''} for ${system}. ` +
        `To do: ${cuda ? 'leave --cuda out, ' : ''}use the engine onnx, an image of Debian, or --libtensorflow`,
    );
  }
  const wheel = onLinuxX64 && !cuda ? 'tensorflow-cpu' : 'tensorflow';
  return { source: `${wheel} ${VERSION}`, device: cuda ? 'cuda' : 'cpu', wheel };
}

function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined;
}

function fromFolder(folder: string): Libtensorflow {
  const path = resolve(folder);
  const wanted = [
    ...LIBRARIES.map(({ linked }) => join('lib', linked)),
    join('include', 'tensorflow', 'c', 'c_api.h'),
  ];
  const missing = wanted.filter((name) => !existsSync(join(path, name)));
  if (missing.length > 0)
    throw badOption(
      `Expected a folder with ${wanted.join(', ')} for --libtensorflow but received ${folder}, which lacks ${missing.join(', ')}`,
    );
  // Only running it tells whether it was built with CUDA.
  return { source: path, device: 'cpu' };
}

/** The two libraries: their names in the wheel, and the names that the addon is linked with. */
const LIBRARIES: readonly { readonly inWheel: string; readonly linked: string }[] =
  process.platform === 'darwin'
    ? [
        { inWheel: 'libtensorflow_cc.2.dylib', linked: 'libtensorflow.2.dylib' },
        { inWheel: 'libtensorflow_framework.2.dylib', linked: 'libtensorflow_framework.2.dylib' },
      ]
    : [
        { inWheel: 'libtensorflow_cc.so.2', linked: 'libtensorflow.so' },
        { inWheel: 'libtensorflow_framework.so.2', linked: 'libtensorflow_framework.so' },
      ];

/** The wheel's headers that the C interface needs: 1 of 290 MB. */
const HEADERS = ['tensorflow/c', 'tensorflow/core/platform', 'tsl/platform', 'xla/tsl/c'];

const PIP_OPTIONS = [
  ...['--disable-pip-version-check', '--progress-bar', 'off', '--no-deps', '--no-cache-dir', '--no-compile'],
  // Only the libraries are used, so the wheel's Python version does not matter.
  ...['--only-binary=:all:', '--implementation', 'cp', '--python-version', '3.12'],
];

/** Fills an empty folder. pip runs in an environment of its own, so that the system's is neither used nor changed. */
export async function makeLibtensorflow(
  folder: string,
  { source, device, wheel }: Libtensorflow,
  python: string,
  installer: Installer,
): Promise<void> {
  if (wheel === undefined) {
    for (const name of ['lib', 'include']) await symlink(join(source, name), join(folder, name));
    return;
  }
  const size = device === 'cuda' ? ' and CUDA from PyPI (3.4 GB)' : ' from PyPI (0.3 GB)';
  installer.say(`libtensorflow: fetching ${source}${size}`);
  const work = join(folder, 'work');
  const [venv, tmp, unpacked] = [join(work, 'venv'), join(work, 'tmp'), join(work, 'unpacked')];
  await mkdir(tmp, { recursive: true });
  await runTool(installer, {
    step: 'Making a Python environment',
    command: python,
    args: ['-m', 'venv', venv],
    remedy: 'apt install python3-venv on Debian and Ubuntu, then run the command again',
  });
  const remedy = 'check that pip reaches PyPI or its mirror (pip config list; a proxy in HTTPS_PROXY)';
  const unpack = (...requirements: readonly string[]) =>
    runTool(installer, {
      step: `Fetching ${requirements.join(', ')}`,
      command: join(venv, 'bin', 'python'),
      args: ['-m', 'pip', 'install', ...PIP_OPTIONS, '--target', unpacked, ...requirements],
      // pip unpacks into the temporary folder first; the system's may be small.
      env: { TMPDIR: tmp, PIP_NO_INPUT: '1', PIP_USER: '0', PYTHONNOUSERSITE: '1' },
      // If pip retried, it did not reach the registry.
      failure: (output) =>
        output.includes('No matching distribution found') && !output.includes('Retrying')
          ? notForThisPlatform(
              `the Python registry that pip asks has no wheel of ${requirements.join(', ')} for ${process.platform} on ${process.arch}. ` +
                `To do: ${remedy}, or use the engine onnx, or --libtensorflow`,
            )
          : undefined,
      remedy: `${remedy}, then run the command again`,
    });
  await unpack(`${wheel}==${VERSION}`);
  if (device === 'cuda') await unpack(...(await cudaRequirements(unpacked)));
  await assemble(unpacked, folder);
  await rm(work, { recursive: true, force: true });
}

/** The CUDA libraries in the wheel's extra `and-cuda`. */
async function cudaRequirements(unpacked: string): Promise<string[]> {
  const info = (await readdir(unpacked)).find((name) => /^tensorflow-.*\.dist-info$/.test(name));
  const metadata = info === undefined ? '' : await readFile(join(unpacked, info, 'METADATA'), 'utf8');
  const requirements = [
    ...metadata.matchAll(/^Requires-Dist: ([^;\n]+);[^\n]*extra == ["']and-cuda["']/gm),
  ].map(([, requirement = '']) => requirement.replaceAll(/[\s()]/g, ''));
  if (requirements.length === 0)
    throw installFailed(
      'Fetching CUDA',
      'the wheel of TensorFlow does not say which CUDA libraries it needs',
      'leave --cuda out, and report this',
    );
  return requirements;
}

/**
 * Puts the libraries, their headers and CUDA where the addon and the libraries look: these look for CUDA in `../nvidia`
 * relative to their own folder, `lib` here and `tensorflow` in the wheel.
 */
async function assemble(unpacked: string, to: string): Promise<void> {
  const tensorflow = join(unpacked, 'tensorflow');
  await mkdir(join(to, 'lib'));
  for (const { inWheel, linked } of LIBRARIES) {
    await rename(join(tensorflow, inWheel), join(to, 'lib', inWheel));
    if (linked !== inWheel) await symlink(inWheel, join(to, 'lib', linked));
  }
  for (const name of HEADERS)
    await cp(join(tensorflow, 'include', name), join(to, 'include', name), { recursive: true });
  for (const path of [join(unpacked, 'nvidia'), join(tensorflow, 'THIRD_PARTY_NOTICES.txt')])
    if (existsSync(path)) await rename(path, join(to, basename(path)));
  // The wheel's libraries do not look for this one in any of their folders, and without it they ignore every GPU.
  const solver = join('cusolver', 'lib', 'libcusolver.so.11');
  if (existsSync(join(to, 'nvidia', solver)))
    await symlink(join('..', '..', solver), join(to, 'nvidia', 'cusparse', 'lib', basename(solver)));
}
