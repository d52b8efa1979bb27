// pip in its own environment, so that the system's is neither used nor changed.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FlowDenoiseError } from '../core/errors.js';
import { type Installer, notForThisPlatform } from './installer.js';
import { runTool } from './run-tool.js';

interface Pip {
  /**
   * Unpacks wheels into a folder, without their dependencies.
   *
   * @throws  FlowDenoiseError ENGINE_UNAVAILABLE if the registry answers that it has no such wheel for this platform
   */
  unpack(target: string, requirements: readonly string[]): Promise<void>;
}

/** @param folder  an empty folder; remove it when pip is done */
export async function makePip(folder: string, python: string, installer: Installer): Promise<Pip> {
  const venv = join(folder, 'venv');
  const step = 'Making a Python environment';
  const remedy = 'apt install python3-venv on Debian and Ubuntu, then run the command again';
  await runTool({ step, command: python, args: ['-m', 'venv', venv], remedy }, installer);
  // pip unpacks into the temporary folder first; the system's may be small.
  const tmp = join(folder, 'tmp');
  await mkdir(tmp);

  async function unpack(step: string, target: string, requirements: readonly string[]): Promise<void> {
    const quiet = ['--disable-pip-version-check', '--progress-bar', 'off'];
    const into = ['--target', target, '--no-deps', '--no-cache-dir', '--no-compile'];
    // Only the libraries are used, so the wheel's Python version does not matter.
    const wheels = ['--only-binary=:all:', '--implementation', 'cp', '--python-version', '3.12'];
    await runTool(
      {
        step,
        command: join(venv, 'bin', 'python'),
        args: ['-m', 'pip', 'install', ...quiet, ...into, ...wheels, ...requirements],
        env: { TMPDIR: tmp, PIP_NO_INPUT: '1', PIP_USER: '0', PYTHONNOUSERSITE: '1' },
        failure: (output) => noWheel(output, requirements),
        remedy:
          'check that pip reaches PyPI or its mirror (pip config list; a proxy in HTTPS_PROXY), then run the command again',
      },
      installer,
    );
  }

  return {
    async unpack(target, requirements) {
      try {
        await unpack(`Fetching ${requirements.join(', ')}`, target, requirements);
      } catch (error) {
        // pip reports the same if it got no answer. Every registry has pip, so one that answers finds it.
        if (error instanceof FlowDenoiseError && error.code === 'ENGINE_UNAVAILABLE')
          await unpack('Asking the Python registry for any wheel at all', join(folder, 'probe'), ['pip']);
        throw error;
      }
    },
  };
}

function noWheel(output: string, requirements: readonly string[]): Error | undefined {
  if (requirements.includes('pip') || !output.includes('No matching distribution found')) return undefined;
  return notForThisPlatform(
    `the Python registry that pip asks has no wheel of ${requirements.join(', ')} for ${process.platform} on ${process.arch}. ` +
      'To do: use the engine onnx, or --libtensorflow',
  );
}
