// Installs TensorFlow.js for Node into the user's cache folder. Steps work in `next`, which is renamed at the end; until then
// the old installation stays in use. The marker that makes it visible is written last.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cacheFolder,
  findTensorflow,
  type Marker,
  markerPath,
  packagesFolder,
  type TensorflowInstallation,
  tensorflowFolder,
} from '../core/engine/packages/tensorflow-package.js';
import { FlowDenoiseError, messageOf } from '../core/errors.js';
import { writeFileAtomic } from '../core/files.js';
import { isStepDone, removePartial } from './install-step.js';
import {
  folderSize,
  type Installer,
  installFailed,
  log,
  sizeWords,
  startClock,
  whileLocked,
} from './installer.js';
import { chooseLibtensorflow, type Libtensorflow, makeLibtensorflow } from './libtensorflow.js';
import { buildAddon, findHeaders, makePackages, PACKAGES } from './packages.js';
import { findPrerequisites } from './prerequisites.js';
import { type Verification, verifiedWords, verify } from './verify.js';

interface InstallOptions {
  /** Includes the CUDA libraries, for an NVIDIA GPU. */
  readonly cuda: boolean;
  /** A folder with lib and include of an existing libtensorflow; then nothing is downloaded from PyPI. */
  readonly libtensorflow?: string | undefined;
  /** Makes everything again. */
  readonly force: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Bytes for the addon and the packages, without libtensorflow. */
const SPACE_WITHOUT_LIBTENSORFLOW = 0.6e9;

/**
 * Installs TensorFlow, or verifies the existing installation.
 *
 * @returns  a working installation
 * @throws   FlowDenoiseError INSTALL_FAILED (a failed step, or all missing prerequisites, and what to do), BAD_OPTION,
 *           ENGINE_UNAVAILABLE if this platform cannot have it; the signal's reason when aborted
 */
export async function installTensorflow(options: InstallOptions): Promise<TensorflowInstallation> {
  const { cuda, libtensorflow, say, signal } = options;
  const chosen = chooseLibtensorflow(cuda, libtensorflow);
  const folder = tensorflowFolder();
  await makeFolder(folder);
  const installer = { say, signal, logPath: join(cacheFolder(), 'tensorflow-install.log') };
  try {
    return await whileLocked(folder, installer, (locked) => installLocked(folder, chosen, options, locked));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FlowDenoiseError) throw error;
    const remedy = `check that ${folder} can be written to and has space left, or name another folder in FLOW_DENOISE_CACHE`;
    throw installFailed('Installing TensorFlow', messageOf(error), remedy, { cause: error });
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw installFailed('Making the folder', messageOf(error), 'name another in FLOW_DENOISE_CACHE', {
      cause: error,
    });
  }
}

async function installLocked(
  folder: string,
  chosen: Libtensorflow,
  { cuda, libtensorflow, force }: InstallOptions,
  installer: Installer,
): Promise<TensorflowInstallation> {
  const clock = startClock();
  const { say, logPath } = installer;
  await writeFile(logPath, `${new Date().toISOString()} installing ${chosen.source}\n`);
  const there = await findTensorflow();
  const isEnough =
    there !== undefined &&
    (!cuda || there.device === 'cuda') &&
    (libtensorflow === undefined || there.source === chosen.source);
  if (isEnough && !force) {
    const verified = await verifyAgain(there, installer);
    if (verified !== undefined) {
      say(
        `TensorFlow is already installed: ${verifiedWords(verified)} (${there.source}, ${there.folder}, ${clock()})`,
      );
      return there;
    }
  }

  const next = join(folder, 'next');
  if (force) await rm(next, { recursive: true, force: true });
  const verified = await makeNext(next, chosen, installer);
  const marker: Marker = {
    format: 1,
    folder: `${chosen.device}-${randomBytes(4).toString('hex')}`,
    platform: process.platform,
    arch: process.arch,
    tfjsNode: verified.tfjsNode,
    libtensorflow: verified.libtensorflow,
    source: chosen.source,
    device: chosen.device,
  };
  await rename(next, join(folder, marker.folder));
  await writeFileAtomic(markerPath(), Buffer.from(`${JSON.stringify(marker, undefined, 2)}\n`));
  await removeOthers(folder, marker.folder);
  const size = sizeWords(await folderSize(join(folder, marker.folder)));
  say(`TensorFlow is installed in ${join(folder, marker.folder)} (${size}, ${clock()})`);
  const installed = await findTensorflow();
  if (installed === undefined)
    throw installFailed('Installing TensorFlow', `${markerPath()} cannot be read`, 'run the command again');
  return installed;
}

/** Verifies an earlier installation. If it no longer works, says so and returns undefined. */
async function verifyAgain(
  { folder }: TensorflowInstallation,
  installer: Installer,
): Promise<Verification | undefined> {
  try {
    return await verify(folder, installer);
  } catch (error) {
    installer.signal.throwIfAborted();
    installer.say(`the existing installation no longer works, so it is made again: ${messageOf(error)}`);
    return undefined;
  }
}

/** Runs the steps that are not done yet, and verifies the result. */
async function makeNext(next: string, chosen: Libtensorflow, installer: Installer): Promise<Verification> {
  await mkdir(next, { recursive: true });
  await removePartial(next);
  const packages = packagesFolder(next);
  const libtensorflow = join(next, 'libtensorflow');
  const hasLibtensorflow = await isStepDone(libtensorflow, chosen.source);
  const { python, words } = await findPrerequisites({
    venv: chosen.wheel !== undefined,
    space: hasLibtensorflow ? SPACE_WITHOUT_LIBTENSORFLOW : chosen.space,
    folder: next,
    signal: installer.signal,
  });
  installer.say(`found: ${words}`);
  log(installer, `found: ${words}\n`);

  if (await isStepDone(packages, PACKAGES)) installer.say('packages: already there');
  else await makePackages(packages, installer);
  const downloaded = join(next, 'headers');
  const headers = await findHeaders(downloaded, packages, installer);
  if (hasLibtensorflow) installer.say(`libtensorflow: ${chosen.source} is already there`);
  else await makeLibtensorflow(libtensorflow, chosen, python, installer);
  await buildAddon(packages, headers, python, installer);
  const verified = await verify(next, installer);
  installer.say(`verified: ${verifiedWords(verified)}`);
  if (chosen.device === 'cuda' && !verified.usesGpu)
    installer.say(
      'verified: CUDA is installed, but no GPU was found; where there should be one, nvidia-smi tells of its driver',
    );
  await rm(downloaded, { recursive: true, force: true });
  return verified;
}

/** Removes earlier installations. A process that uses one has loaded it and is not affected. */
async function removeOthers(folder: string, kept: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries)
    if (entry.isDirectory() && entry.name !== kept)
      await rm(join(folder, entry.name), { recursive: true, force: true });
}
