// The step `libtensorflow`: lib and include in the layout that @tensorflow/tfjs-node-gpu needs, from PyPI's TensorFlow wheel or
// the user's folder.
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { badOption } from '../core/errors.js';
import { makeStep } from './install-step.js';
import {
  folderSize,
  type Installer,
  installFailed,
  notForThisPlatform,
  sizeWords,
  startClock,
} from './installer.js';
import { makePip } from './pip.js';

const VERSION = '2.21.0';

export interface Libtensorflow {
  /** `tensorflow-cpu 2.21.0`, or a folder. */
  readonly source: string;
  readonly device: 'cpu' | 'cuda';
  /** The most disk space that the whole installation needs, in bytes; and the download's size, for the user. */
  readonly space: number;
  readonly download: string;
  /** The requirement for pip; undefined for the user's folder. */
  readonly wheel: string | undefined;
}

/**
 * Chooses libtensorflow for this platform and these options.
 *
 * @param folder  the user's --libtensorflow
 * @throws        FlowDenoiseError BAD_OPTION if the folder is not a libtensorflow; ENGINE_UNAVAILABLE if none suits
 */
export function chooseLibtensorflow(cuda: boolean, folder: string | undefined): Libtensorflow {
  const { platform, arch } = process;
  if (platform !== 'linux' && platform !== 'darwin')
    throw notForThisPlatform(
      `TensorFlow.js for Node is built here on Linux and macOS only, not on ${platform}. To do: use the engine onnx, or WSL 2`,
    );
  if (folder !== undefined) return fromFolder(folder);
  if (isMusl())
    throw notForThisPlatform(
      'PyPI has TensorFlow for glibc, and this system (Alpine?) has another C library. To do: use an image of Debian, or --libtensorflow',
    );
  const onLinuxX64 = platform === 'linux' && arch === 'x64';
  if (cuda) {
    if (!onLinuxX64)
      throw notForThisPlatform(
        `PyPI has TensorFlow with CUDA for Linux on x64 only, not for ${platform} on ${arch}. To do: leave --cuda out`,
      );
    return wheel('tensorflow', 'cuda', 11e9, '3.4 GB');
  }
  if (onLinuxX64) return wheel('tensorflow-cpu', 'cpu', 2.5e9, '274 MB');
  if (arch === 'arm64') return wheel('tensorflow', 'cpu', 2.5e9, '300 MB');
  throw notForThisPlatform(
    `PyPI has no TensorFlow ${VERSION} for ${platform} on ${arch}. To do: use the engine onnx, or --libtensorflow`,
  );
}

function wheel(name: string, device: 'cpu' | 'cuda', space: number, download: string): Libtensorflow {
  return { source: `${name} ${VERSION}`, device, space, download, wheel: `${name}==${VERSION}` };
}

function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined;
}

function fromFolder(folder: string): Libtensorflow {
  const path = resolve(folder);
  const wanted = [
    ...libraryNames().flatMap(({ linked }) => join('lib', linked)),
    join('include', 'tensorflow', 'c', 'c_api.h'),
  ];
  const missing = wanted.filter((name) => !existsSync(join(path, name)));
  if (missing.length > 0)
    throw badOption(
      `Expected a folder with ${wanted.join(', ')} for --libtensorflow but received ${folder}, which lacks ${missing.join(', ')}`,
    );
  // Only running it tells whether it was built with CUDA.
  return { source: path, device: 'cpu', space: 0.6e9, download: '', wheel: undefined };
}

/** The two libraries: their names in the wheel, and the names that the addon is linked with. */
function libraryNames(): readonly { readonly inWheel: string; readonly linked: string }[] {
  return process.platform === 'darwin'
    ? [
        { inWheel: 'libtensorflow_cc.2.dylib', linked: 'libtensorflow.2.dylib' },
        { inWheel: 'libtensorflow_framework.2.dylib', linked: 'libtensorflow_framework.2.dylib' },
      ]
    : [
        { inWheel: 'libtensorflow_cc.so.2', linked: 'libtensorflow.so' },
        { inWheel: 'libtensorflow_framework.so.2', linked: 'libtensorflow_framework.so' },
      ];
}

/** The wheel's headers that the C interface needs: 1 of 290 MB. */
const HEADERS = ['tensorflow/c', 'tensorflow/core/platform', 'tsl/platform', 'xla/tsl/c'];

export async function makeLibtensorflow(
  folder: string,
  chosen: Libtensorflow,
  python: string,
  installer: Installer,
): Promise<void> {
  const { source, wheel: requirement } = chosen;
  const clock = startClock();
  if (requirement === undefined) {
    await makeStep(folder, source, async (partial) => {
      for (const name of ['lib', 'include']) await symlink(join(source, name), join(partial, name));
    });
    installer.say(`libtensorflow: ${source} is used in place`);
    return;
  }
  installer.say(
    `libtensorflow: fetching ${source}${chosen.device === 'cuda' ? ' and CUDA' : ''} from PyPI (${chosen.download})`,
  );
  await makeStep(folder, source, async (partial) => {
    const work = join(partial, 'work');
    await mkdir(work);
    const pip = await makePip(work, python, installer);
    const unpacked = join(work, 'unpacked');
    await pip.unpack(unpacked, [requirement]);
    if (chosen.device === 'cuda') await pip.unpack(unpacked, await cudaRequirements(unpacked));
    await assemble(unpacked, partial);
    await rm(work, { recursive: true, force: true });
  });
  installer.say(`libtensorflow: ${sizeWords(await folderSize(folder))} kept, ${clock()}`);
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
  for (const { inWheel, linked } of libraryNames()) {
    await rename(join(tensorflow, inWheel), join(to, 'lib', inWheel));
    if (linked !== inWheel) await symlink(inWheel, join(to, 'lib', linked));
  }
  for (const name of HEADERS)
    await cp(join(tensorflow, 'include', name), join(to, 'include', name), { recursive: true });
  for (const [from, name] of [
    [unpacked, 'nvidia'],
    [tensorflow, 'THIRD_PARTY_NOTICES.txt'],
  ] as const)
    if (existsSync(join(from, name))) await rename(join(from, name), join(to, name));
  // The wheel's libraries do not look for this one in any of their folders, and without it they ignore every GPU.
  const solver = join('cusolver', 'lib', 'libcusolver.so.11');
  if (existsSync(join(to, 'nvidia', solver)))
    await symlink(join('..', '..', solver), join(to, 'nvidia', 'cusparse', 'lib', basename(solver)));
}
