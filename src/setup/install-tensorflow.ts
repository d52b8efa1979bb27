// Installs TensorFlow.js for Node into the user's cache folder. Steps work in `next`, which is renamed at the end; until then
// the old installation stays in use. The marker that makes it visible is written last.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  cacheFolder,
  findTensorflow,
  type Marker,
  markerPath,
  packagesFolder,
  tensorflowFolder,
} from '../core/engine/packages/tensorflow-package.js';
import { FlowDenoiseError, messageOf } from '../core/errors.js';
import { writeFileAtomic } from '../core/files.js';
import { lockFolder } from '../core/lock.js';
import { timeWords } from '../core/printable.js';
import { chooseLibtensorflow, type Libtensorflow, makeLibtensorflow } from './libtensorflow.js';
import { buildAddon, fetchPackages, PACKAGES, verify } from './packages.js';
import { findPrerequisites } from './prerequisites.js';
import { type Installer, installFailed } from './run-tool.js';

export interface InstallOptions {
  /** Includes the CUDA libraries, for an NVIDIA GPU. */
  readonly cuda: boolean;
  /** A folder with lib and include of an existing libtensorflow; then nothing is downloaded from PyPI. */
  readonly libtensorflow?: string | undefined;
  /** Makes everything again. */
  readonly force: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The most disk space in bytes: for the packages and the addon, and for libtensorflow besides. */
const SPACE = { packages: 0.6e9, cpu: 1.9e9, cuda: 10.4e9 };
const LOOK_EVERY_MS = 1000;
/** A tool whose caller was killed may go on writing for a moment. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 200 };

/**
 * Installs TensorFlow, or verifies the existing installation. Waits for another process that does so.
 *
 * @throws  FlowDenoiseError INSTALL_FAILED (a failed step, or all missing prerequisites, and what to do), BAD_OPTION,
 *          ENGINE_UNAVAILABLE if this platform cannot have it; the signal's reason when aborted
 */
export async function installTensorflow(options: InstallOptions): Promise<void> {
  const { cuda, libtensorflow, say, signal } = options;
  const chosen = chooseLibtensorflow(cuda, libtensorflow);
  const folder = tensorflowFolder();
  const lost = new AbortController();
  const installer: Installer = {
    say,
    signal: AbortSignal.any([signal, lost.signal]),
    logPath: join(cacheFolder(), 'tensorflow-install.log'),
  };
  try {
    const release = await takeLock(folder, installer, (reason) => {
      const words = `${folder}.lock was lost (${reason})`;
      lost.abort(installFailed('Keeping the lock', words, 'run the command again'));
    });
    try {
      await install(folder, chosen, options, installer);
    } finally {
      await release();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FlowDenoiseError) throw error;
    const remedy = `check that ${folder} can be written to and has space left, or name another folder in FLOW_DENOISE_CACHE`;
    throw installFailed('Installing TensorFlow', messageOf(error), remedy, error);
  }
}

async function takeLock(folder: string, { say, signal }: Installer, onLost: (reason: string) => void) {
  await mkdir(folder, { recursive: true });
  for (let isFirst = true; ; isFirst = false) {
    signal.throwIfAborted();
    const release = await lockFolder(folder, onLost);
    if (release) return release;
    if (isFirst)
      say(`another installation is at work, or was killed seconds ago, in ${folder}; waiting for it`);
    await setTimeout(LOOK_EVERY_MS, undefined, { signal });
  }
}

async function install(
  folder: string,
  chosen: Libtensorflow,
  { cuda, libtensorflow, force }: InstallOptions,
  installer: Installer,
): Promise<void> {
  const started = performance.now();
  const { say, signal, logPath } = installer;
  await writeFile(logPath, `${new Date().toISOString()} installing ${chosen.source}\n`);
  const there = await findTensorflow();
  const isEnough =
    there !== undefined &&
    (!cuda || there.device === 'cuda') &&
    (libtensorflow === undefined || there.source === chosen.source);
  if (isEnough && !force) {
    try {
      await verify(there.folder, installer);
      say(`TensorFlow is already installed in ${there.folder} (${there.source})`);
      return;
    } catch (error) {
      signal.throwIfAborted();
      say(`the existing installation no longer works, so it is made again: ${messageOf(error)}`);
    }
  }

  const next = join(folder, 'next');
  await prepare(next, chosen, force);
  const { tfjsNode, libtensorflow: version } = await makeSteps(next, chosen, installer);
  const { device, source } = chosen;
  const name = `${device}-${randomBytes(4).toString('hex')}`;
  const marker: Marker = {
    format: 1,
    folder: name,
    platform: process.platform,
    arch: process.arch,
    tfjsNode,
    libtensorflow: version,
    source,
    device,
  };
  await rename(next, join(folder, name));
  await writeFileAtomic(markerPath(), Buffer.from(`${JSON.stringify(marker, undefined, 2)}\n`));
  // A process that uses an earlier installation has loaded it and is not affected.
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory() && entry.name !== name) await rm(join(folder, entry.name), REMOVAL);
  const seconds = (performance.now() - started) / 1000;
  say(`TensorFlow is installed in ${join(folder, name)} (${timeWords(seconds)})`);
}

/** Removes what killed attempts have left: steps in part, and all steps if they were made for something else. */
async function prepare(next: string, { source }: Libtensorflow, force: boolean): Promise<void> {
  const path = join(next, 'specification.txt');
  const specification = [...PACKAGES, source].join('\n');
  const earlier = await readFile(path, 'utf8').catch(() => undefined);
  if (force || earlier !== specification) await rm(next, REMOVAL);
  await mkdir(next, { recursive: true });
  for (const name of await readdir(next)) if (name.includes(PARTIAL)) await rm(join(next, name), REMOVAL);
  await writeFile(path, specification);
}

/** Makes the steps that are not done yet, and verifies the result. */
async function makeSteps(next: string, chosen: Libtensorflow, installer: Installer) {
  const { say } = installer;
  const libtensorflow = join(next, 'libtensorflow');
  const needsWheel = chosen.wheel !== undefined && !existsSync(libtensorflow);
  const space = SPACE.packages + (needsWheel ? SPACE[chosen.device] : 0);
  const python = await findPrerequisites({ venv: needsWheel, space, folder: next }, installer);
  await makeStep(packagesFolder(next), say, (partial) => fetchPackages(partial, installer));
  await makeStep(libtensorflow, say, (partial) => makeLibtensorflow(partial, chosen, python, installer));
  await buildAddon(next, python, installer);
  const verified = await verify(next, installer);
  if (chosen.device === 'cuda' && !verified.usesGpu)
    say('CUDA is installed, but no GPU was found; where there should be one, nvidia-smi tells of its driver');
  return verified;
}

const PARTIAL = '.partial-';

/** Makes a folder that is complete or absent. @param make  fills one that is renamed later: no absolute paths in it */
async function makeStep(
  folder: string,
  say: (line: string) => void,
  make: (partial: string) => Promise<void>,
): Promise<void> {
  if (existsSync(folder)) {
    say(`${basename(folder)}: already there`);
    return;
  }
  const partial = `${folder}${PARTIAL}${process.pid}`;
  await mkdir(partial);
  try {
    await make(partial);
    await rename(partial, folder);
  } finally {
    await rm(partial, REMOVAL);
  }
}
